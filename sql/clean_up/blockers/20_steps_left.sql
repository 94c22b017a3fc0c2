-- What: steps that switch-over has left.
-- Why: a check that did not run, or that is red, does not allow a step without a roll back.
-- Locks: none.
-- Remedy: Run `switch-over` again: it does the steps that are left.
SELECT
  'step ' || s.name AS subject,
  'switch-over has not completed it.' AS problem
FROM artwork_migration.step AS s
INNER JOIN artwork_migration.phase_history AS h ON s.run = h.run
WHERE s.done_at IS NULL AND h.verb = 'switch-over'
ORDER BY s.name

-- What: steps that switch_over has still to do.
-- Why: a check that has not looked, or that was red, is no reason to burn the bridge.
-- Locks: none.
-- Remedy: Run switch_over again: it does what is left.
SELECT
  'step ' || s.name AS subject,
  'switch_over has not done it yet.' AS problem
FROM artwork_migration.step AS s
INNER JOIN artwork_migration.phase_history AS h ON s.run = h.run
WHERE s.done_at IS NULL AND h.verb = 'switch_over'
ORDER BY s.name

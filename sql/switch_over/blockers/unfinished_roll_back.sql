-- What: an earlier rollback has steps left after its commit.
-- Why: a key that it has not validated yet would count as one that never was valid, and stay so. Checked before another switch, and before
--   the migration's objects are removed, the list of these steps included.
-- Locks: none.
-- Remedy: Run `roll-back --to MIGRATED` again; it does what is left.
SELECT DISTINCT
  s.name AS subject,
  'an earlier roll-back has not done it yet.' AS problem
FROM artwork_migration.step AS s
INNER JOIN artwork_migration.phase_history AS h ON s.run = h.run
WHERE h.verb = 'roll-back' AND s.done_at IS NULL
ORDER BY s.name

-- What: the steps that a run has still to do after the transaction that brought its phase.
-- Why: killed there, it must be run again, and the status says so.
-- Locks: none.
SELECT DISTINCT
  h.verb,
  s.name
FROM artwork_migration.step AS s
INNER JOIN artwork_migration.phase_history AS h ON s.run = h.run
WHERE s.done_at IS NULL
ORDER BY s.name

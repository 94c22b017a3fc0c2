-- What: the newest runs, newest first.
-- Why: the status names the last ones and how they ended.
-- Locks: none.
SELECT
  h.run,
  h.verb,
  h.run_name,
  h.begun_at,
  h.ended_at,
  h.outcome,
  h.phase_after
FROM artwork_migration.phase_history AS h
ORDER BY h.run DESC
LIMIT 5

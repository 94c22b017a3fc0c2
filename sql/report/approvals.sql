-- What: the plans that were approved and run up to the run :run, with who and why.
-- Why: whoever signs the report sees on whose word things were done.
-- Locks: none.
SELECT
  h.run,
  h.verb,
  h.plan,
  h.approved_by,
  h.reason,
  h.begun_at
FROM artwork_migration.phase_history AS h
WHERE h.run <= :run AND h.approved_by IS NOT NULL
ORDER BY h.run

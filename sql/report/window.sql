-- What: the verifications between the switch before one run and that run, the oldest first.
-- Why: the timeline of the safety window, as it was when the report was written.
-- Locks: none.
SELECT
  v.run,
  v.day,
  v.red,
  v.verified_at
FROM artwork_migration.verification AS v
WHERE
  v.run <= :run
  AND v.run > (
    SELECT MAX(h.run)
    FROM artwork_migration.phase_history AS h
    WHERE h.run <= :run AND h.phase_after = 'SWITCHED' AND h.phase_before <> 'SWITCHED'
  )
ORDER BY v.run

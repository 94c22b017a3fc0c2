-- What: the rows under each verdict of one run.
-- Why: for the run's log and its row in phase_history.
-- Locks: none.
SELECT
  r.verdict,
  SUM(r.row_count)::bigint AS row_count
FROM artwork_migration.reconciliation AS r
WHERE r.run = :run
GROUP BY r.verdict
ORDER BY r.verdict

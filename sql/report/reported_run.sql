-- What: the newest run that has compared every row, and the moment of its snapshot.
-- Why: the report is about one run and one state of the database.
-- Locks: none.
SELECT
  h.run,
  h.verb,
  h.run_name,
  h.phase_before,
  h.begun_at,
  r.snapshot_at,
  r.lsn::text AS lsn
FROM artwork_migration.phase_history AS h
INNER JOIN (
  SELECT
    n.run,
    MIN(n.snapshot_at) AS snapshot_at,
    MIN(n.lsn) AS lsn
  FROM artwork_migration.reconciliation AS n
  GROUP BY n.run
) AS r ON h.run = r.run
ORDER BY h.run DESC
LIMIT 1

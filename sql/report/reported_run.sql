-- What: the newest run that has compared every row and written the results, and the moment of its snapshot.
-- Why: the report is about one run and one state of the database; a run killed in between has no sum, and nothing to report.
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
INNER JOIN artwork_migration.rule_result AS s ON h.run = s.run AND s.rule = 'sum'
ORDER BY h.run DESC
LIMIT 1

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
  r.lsn::text AS lsn,
  s.switched
FROM artwork_migration.phase_history AS h
INNER JOIN (
  SELECT
    n.run,
    MIN(n.snapshot_at) AS snapshot_at,
    MIN(n.lsn) AS lsn
  FROM artwork_migration.reconciliation AS n
  GROUP BY n.run
) AS r ON h.run = r.run
INNER JOIN (
  SELECT
    q.run,
    BOOL_OR(q.rule = 'live_sum') AS switched
  FROM artwork_migration.rule_result AS q
  WHERE q.rule IN ('sum', 'live_sum')
  GROUP BY q.run
) AS s ON h.run = s.run
ORDER BY h.run DESC
LIMIT 1

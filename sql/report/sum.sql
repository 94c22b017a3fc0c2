-- What: the sum of law 1 for the newest reconciliation that was finished: each legacy row under exactly one heading.
-- Why: the first thing everybody asks of a migration.
-- Locks: none.
SELECT
  CASE r.verdict WHEN 'match' THEN 'migrated' ELSE r.verdict END AS heading,
  r.reason,
  SUM(r.row_count) AS row_count,
  r.legacy_row,
  MIN(r.snapshot_at) AS snapshot_at
FROM artwork_migration.reconciliation AS r
WHERE r.run = (SELECT MAX(n.run) FROM artwork_migration.rule_result AS n WHERE n.rule IN ('sum', 'live_sum'))
GROUP BY r.verdict, r.reason, r.legacy_row
ORDER BY r.legacy_row DESC, r.verdict = 'match' DESC, 3 DESC

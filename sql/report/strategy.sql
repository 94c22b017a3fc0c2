-- What: the strategy's own count for the newest reconciliation that was finished, and each deviation from it.
-- Why: the number migrated must be explained from the strategy's WHERE clause.
-- Locks: none.
SELECT
  s.in_strategy,
  s.migrated,
  s.deviation,
  s.row_count
FROM artwork_migration.strategy_count AS s
WHERE s.run = (SELECT MAX(n.run) FROM artwork_migration.rule_result AS n WHERE n.rule IN ('sum', 'live_sum'))
ORDER BY s.in_strategy DESC, s.migrated DESC, s.deviation

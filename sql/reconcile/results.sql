-- What: writes, for each rule, how much it checked, how much of that is bad, and at most 20 ids.
-- Why: the gates assert on these rows and nothing else; a rule whose row is missing, or that checked nothing, has failed.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.rule_result (run, suite, rule, checked, bad, ids, about)
SELECT
  :run,
  'reconciliation' AS suite,
  r.rule,
  r.checked,
  r.bad,
  COALESCE(ARRAY(SELECT f.id FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = r.rule ORDER BY f.id LIMIT 20), '{}'),
  ARRAY(
    SELECT DISTINCT x.about FROM artwork_migration.finding AS f CROSS JOIN LATERAL UNNEST(f.about) AS x (about)
    WHERE f.run = :run AND f.rule = r.rule ORDER BY x.about
  )
FROM (
  SELECT
    v.rule,
    (SELECT COALESCE(SUM(t.row_count), 0) FROM artwork_migration.reconciliation AS t WHERE t.run = :run) AS checked,
    (SELECT COUNT(*) FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = v.rule) AS bad
  FROM (VALUES ('missing'), ('extra'), ('differs'), ('refused'), ('pending'), ('round_trip')) AS v (rule)
  UNION ALL
  SELECT
    'sum' AS rule,
    CAST(:legacy_rows AS bigint) AS checked,
    ABS(
      CAST(:legacy_rows AS bigint)
      - (SELECT COALESCE(SUM(t.row_count), 0) FROM artwork_migration.reconciliation AS t WHERE t.run = :run AND t.legacy_row)
    ) AS bad
  UNION ALL
  SELECT
    'strategy_count' AS rule,
    (SELECT COALESCE(SUM(s.row_count), 0) FROM artwork_migration.strategy_count AS s WHERE s.run = :run) AS checked,
    (
      SELECT COALESCE(SUM(s.row_count), 0)
      FROM artwork_migration.strategy_count AS s WHERE s.run = :run AND s.deviation = 'unexplained'
    ) AS bad
  UNION ALL
  SELECT
    'quarantined' AS rule,
    (SELECT COALESCE(SUM(t.row_count), 0) FROM artwork_migration.reconciliation AS t WHERE t.run = :run) AS checked,
    GREATEST(
      0,
      (SELECT COUNT(*) FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = 'quarantined')
      - CAST(:max_quarantined AS bigint)
    ) AS bad
) AS r

-- What: the findings of one run by rule: how many ids, what they are about, the first :shown of them.
-- Why: the report shows a few and how to look at them; all of them are in the CSV.
-- Locks: none.
SELECT
  r.rule,
  r.id_count,
  COALESCE(g.suite, '') AS suite,
  ARRAY(
    SELECT DISTINCT x.about FROM artwork_migration.finding AS f CROSS JOIN LATERAL UNNEST(f.about) AS x (about)
    WHERE f.run = :run AND f.rule = r.rule ORDER BY x.about
  ) AS about,
  ARRAY(
    SELECT f.id::text FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = r.rule ORDER BY f.id LIMIT :shown
  ) AS ids
FROM (
  SELECT
    n.rule,
    COUNT(*) AS id_count
  FROM artwork_migration.finding AS n
  WHERE n.run = :run
  GROUP BY n.rule
) AS r
LEFT JOIN artwork_migration.gate_result AS g ON r.rule = g.rule AND g.run = :run
ORDER BY g.red DESC NULLS LAST, r.rule

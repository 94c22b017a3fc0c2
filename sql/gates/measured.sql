-- What: writes the rule result of one rule: how much it looked at, how much of that is bad, at most 20 ids, and what they are about.
-- Why: the gates assert on these rows. What is bad stands in finding by then; objects of the catalog have no id and are handed over.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.rule_result (run, suite, rule, looked_at, bad, ids, about)
SELECT
  :run,
  :suite,
  :rule,
  :looked_at,
  (SELECT COUNT(*) FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = :rule) + CARDINALITY(CAST(:objects AS text[])),
  ARRAY(SELECT f.id FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = :rule ORDER BY f.id LIMIT 20),
  CAST(:objects AS text[]) || ARRAY(
    SELECT DISTINCT x.about
    FROM artwork_migration.finding AS f
    CROSS JOIN LATERAL UNNEST(f.about) AS x (about)
    WHERE f.run = :run AND f.rule = :rule
    ORDER BY x.about
  )

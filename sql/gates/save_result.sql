-- What: saves the result of one rule: how much it checked, how much of that is bad, at most 20 ids, and what they are about.
-- Why: the gates assert on these rows. What is bad is in finding by now; objects of the catalog have no id and are parameters.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.rule_result (run, suite, rule, checked, bad, ids, about)
SELECT
  :run,
  :suite,
  :rule,
  :checked,
  (SELECT COUNT(*) FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = :rule) + CARDINALITY(CAST(:objects AS text[])),
  ARRAY(SELECT f.id FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = :rule ORDER BY f.id LIMIT 20),
  CAST(:objects AS text[]) || ARRAY(
    SELECT DISTINCT x.about
    FROM artwork_migration.finding AS f
    CROSS JOIN LATERAL UNNEST(f.about) AS x (about)
    WHERE f.run = :run AND f.rule = :rule
    ORDER BY x.about
  )

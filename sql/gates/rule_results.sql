-- What: the rule results of one run and suite.
-- Why: a red gate reports how many are bad, which ids, and what they are about.
-- Locks: none.
SELECT
  r.rule,
  r.checked,
  r.bad,
  r.ids::text[] AS ids,
  r.about
FROM artwork_migration.rule_result AS r
WHERE r.run = :run AND r.suite = :suite

-- What: the rule results of one run and suite.
-- Why: a red gate names how many, which ids, and what they are about.
-- Locks: none.
SELECT
  r.rule,
  r.looked_at,
  r.bad,
  r.ids,
  r.about
FROM artwork_migration.rule_result AS r
WHERE r.run = :run AND r.suite = :suite

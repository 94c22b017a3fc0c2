-- What: the rule results of one run.
-- Why: a red gate names how many and which ids.
-- Locks: none.
SELECT
  r.rule,
  r.looked_at,
  r.bad,
  r.ids
FROM artwork_migration.rule_result AS r
WHERE r.run = :run

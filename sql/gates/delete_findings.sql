-- What: deletes the result and the findings of one rule in this run.
-- Why: a gate that is judged again in the same run reports the current state only.
-- Locks: none on a table of the application.
WITH deleted_result AS (
  DELETE FROM artwork_migration.rule_result AS r
  WHERE r.run = :run AND r.rule = :rule
)

DELETE FROM artwork_migration.finding AS f
WHERE f.run = :run AND f.rule = :rule

-- What: forgets what one rule has found in this run so far.
-- Why: a gate that is judged again in the same run says what holds now, and nothing older.
-- Locks: none on a table of the application.
WITH measured AS (
  DELETE FROM artwork_migration.rule_result AS r
  WHERE r.run = :run AND r.rule = :rule
)

DELETE FROM artwork_migration.finding AS f
WHERE f.run = :run AND f.rule = :rule

-- What: forgets the rule results and findings of an earlier look in the same run, but for those of gates judged before it.
-- Why: a step may be run again when the connection was lost, and the gate `legacy_artworks` has written its findings by then.
-- Locks: none on a table of the application.
WITH measured AS (
  DELETE FROM artwork_migration.rule_result AS r
  WHERE r.run = :run AND r.suite = 'reconciliation'
)

DELETE FROM artwork_migration.finding AS f
WHERE f.run = :run AND NOT EXISTS (SELECT FROM artwork_migration.gate_result AS g WHERE g.run = f.run AND g.rule = f.rule)

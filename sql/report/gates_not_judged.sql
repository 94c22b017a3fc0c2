-- What: the suites whose rules were measured in one run and then not judged.
-- Why: a gate that could not run has failed, and the report says so.
-- Locks: none.
SELECT DISTINCT r.suite
FROM artwork_migration.rule_result AS r
WHERE r.run = :run AND NOT EXISTS (SELECT FROM artwork_migration.gate_result AS g WHERE g.run = r.run AND g.suite = r.suite)
ORDER BY r.suite

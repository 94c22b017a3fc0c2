-- What: how many different ids stand behind the critical rules that are red in one run.
-- Why: these, and no others, wait for somebody to mend or to decide.
-- Locks: none.
SELECT COUNT(DISTINCT f.id)
FROM artwork_migration.finding AS f
INNER JOIN artwork_migration.gate_result AS g ON f.run = g.run AND f.rule = g.rule
WHERE f.run = :run AND NOT g.passed AND g.severity = 'critical'

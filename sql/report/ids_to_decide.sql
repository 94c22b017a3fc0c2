-- What: how many different ids stand behind the rules that make a gate red in one run.
-- Why: these, and no others, need a fix or a decision.
-- Locks: none.
SELECT COUNT(DISTINCT f.id)
FROM artwork_migration.finding AS f
INNER JOIN artwork_migration.gate_result AS g ON f.run = g.run AND f.rule = g.rule
WHERE f.run = :run AND g.red

-- What: the legacy columns that are not carried over, with the values they held when the deployment was planned.
-- Why: no gate looks at them, so the report lists them as not checked.
-- Locks: none.
SELECT
  c.key AS column_name,
  c.value::bigint AS value_count
FROM artwork_migration.phase_history AS h
INNER JOIN artwork_migration.plan AS p ON h.plan = p.number
CROSS JOIN LATERAL JSONB_EACH_TEXT(p.content #> '{facts,columns_not_carried}') AS c (key, value)
WHERE h.run = (SELECT MAX(d.run) FROM artwork_migration.phase_history AS d WHERE d.verb = 'deploy_schema' AND d.phase_after IS NOT NULL)
ORDER BY c.key

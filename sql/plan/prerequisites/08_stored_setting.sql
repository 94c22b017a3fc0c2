-- What: a setting that is stored for the database, or for a role in it, makes writes of the application pass capture unseen.
-- Why: capture and write-through see with the snapshot of the writer. An older one than that of the statement does not show what was
--   committed since, so a change of the same row on the other side can be missed. artwork_migration.apply marks our own writes.
-- Locks: none.
-- Remedy: Reset it until the clean-up; sessions that are open keep the old value. Without the default isolation level the server no longer
--   finds conflicts between the application's own transactions.
WITH stored AS (
  SELECT
    s.setrole AS role,
    s.setdatabase <> 0 AS in_database,
    SPLIT_PART(c.setting, '=', 1) AS name,
    SUBSTRING(c.setting FROM '=(.*)$') AS value
  FROM pg_catalog.pg_db_role_setting AS s
  CROSS JOIN LATERAL UNNEST(s.setconfig) AS c (setting)
  WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE()))
)

SELECT
  CASE WHEN s.role = 0 THEN 'database ' || CURRENT_DATABASE() ELSE 'role ' || PG_GET_USERBYID(s.role) END AS subject,
  FORMAT(k.effect, s.value) AS problem,
  FORMAT(
    'ALTER %s RESET %s',
    CASE
      WHEN s.role = 0 THEN FORMAT('DATABASE %I', CURRENT_DATABASE())
      WHEN s.in_database THEN FORMAT('ROLE %I IN DATABASE %I', PG_GET_USERBYID(s.role), CURRENT_DATABASE())
      ELSE FORMAT('ROLE %I', PG_GET_USERBYID(s.role))
    END,
    s.name
  ) AS statement
FROM stored AS s
INNER JOIN (
  VALUES
  (
    'default_transaction_isolation', ARRAY['read committed', 'read uncommitted'],
    'its transactions are %s by default; READ COMMITTED is required.'
  ),
  ('artwork_migration.apply', ARRAY[]::text[], 'artwork_migration.apply is %s, so its writes would count as those of the migration.')
) AS k (name, allowed, effect) ON s.name = k.name AND s.value <> ALL(k.allowed)
ORDER BY 1, 2

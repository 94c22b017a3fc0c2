-- What: a setting of the database, or of a role in it, gives transactions another isolation level than READ COMMITTED.
-- Why: capture and write-through see with the snapshot of the writer. An older one does not show what was committed since, so a change of
--   the same row on the other side can be missed.
-- Locks: none.
-- Remedy: Reset it until the clean-up. Conflicts between the application's own transactions are then no longer found by the server.
SELECT
  CASE
    WHEN s.setrole = 0 THEN 'database ' || CURRENT_DATABASE()
    ELSE 'role ' || PG_GET_USERBYID(s.setrole)
  END AS subject,
  FORMAT('its transactions are %s by default; READ COMMITTED is required.', SPLIT_PART(c.setting, '=', 2)) AS problem,
  CASE
    WHEN s.setrole = 0 THEN FORMAT('ALTER DATABASE %I RESET default_transaction_isolation', CURRENT_DATABASE())
    WHEN s.setdatabase = 0 THEN FORMAT('ALTER ROLE %I RESET default_transaction_isolation', PG_GET_USERBYID(s.setrole))
    ELSE
      FORMAT(
        'ALTER ROLE %I IN DATABASE %I RESET default_transaction_isolation', PG_GET_USERBYID(s.setrole), CURRENT_DATABASE()
      )
  END AS statement
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL UNNEST(s.setconfig) AS c (setting)
WHERE
  s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE()))
  AND c.setting LIKE 'default_transaction_isolation=%' AND SPLIT_PART(c.setting, '=', 2) NOT IN ('read committed', 'read uncommitted')
ORDER BY 1

-- What: which database this is.
-- Why: a plan is for one database; its number must not hold in another one of the same name.
-- Locks: none.
SELECT
  CURRENT_DATABASE() AS database,
  s.system_identifier::text AS system_identifier,
  CURRENT_SETTING('server_version') AS version,
  CURRENT_USER AS role
FROM PG_CONTROL_SYSTEM() AS s

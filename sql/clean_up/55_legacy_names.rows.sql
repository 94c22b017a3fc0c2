-- What: drops the functions of the schema legacy_names, and the schema.
-- Why: its views were dropped before. Without CASCADE: an object of the application in it makes this fail.
-- Inverse: none.
-- Locks: none on a table.
-- Stage: locked
SELECT
  'schema legacy_names' AS object,
  CONCAT_WS('; ', STRING_AGG('DROP FUNCTION ' || p.oid::regprocedure, '; '), 'DROP SCHEMA legacy_names') AS "do",
  NULL AS undo
FROM artwork_migration.legacy_names_object AS o
LEFT JOIN pg_catalog.pg_proc AS p ON o.class = 'pg_proc'::regclass AND o.oid = p.oid
HAVING BOOL_OR(o.class = 'pg_namespace'::regclass)

-- What: drops the logs and the ledger's tables for the data. The ledger's own tables (:ledger_tables) stay as the record of the migration.
-- Why: they describe differences between two tables of which one is left. They were exported to a file before. IF EXISTS as in
--   80_functions.
-- Inverse: none.
-- Locks: none on a table of the application.
-- Stage: after
SELECT
  'tables of artwork_migration' AS object,
  STRING_AGG('DROP TABLE IF EXISTS ' || c.oid::regclass, E';\n' ORDER BY c.relname) AS "do",
  NULL AS undo
FROM pg_catalog.pg_class AS c
WHERE
  c.relnamespace = 'artwork_migration'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname <> ALL(CAST(:ledger_tables AS text[]))

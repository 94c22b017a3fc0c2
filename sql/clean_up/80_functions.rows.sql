-- What: drops the functions of our schema.
-- Why: capture, write-through, catch-up and carry-back have ended. The application functions are in the schema public. IF EXISTS, because a
--   run that was killed after it repeats it.
-- Inverse: none.
-- Locks: none on a table.
-- Stage: after
SELECT
  'functions of artwork_migration' AS object,
  STRING_AGG('DROP FUNCTION IF EXISTS ' || p.oid::regprocedure, E';\n' ORDER BY p.oid::regprocedure::text) AS "do",
  NULL AS undo
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = 'artwork_migration'::regnamespace

-- What: our objects in the schema legacy_names, and the schema, where deploy_schema has created it (decision serve_old_names): each carries
--   our comment.
-- Why: the name alone is not enough. Without the decision a schema of that name is the application's, and with it the application may
--   create objects beside ours. Comments are kept by a dump and by CREATE OR REPLACE.
-- Locks: none.
SELECT
  'pg_class'::regclass::oid AS class,
  c.oid
FROM pg_catalog.pg_class AS c
WHERE
  c.relnamespace = TO_REGNAMESPACE('legacy_names')::oid
  AND OBJ_DESCRIPTION(c.oid, 'pg_class') = 'artwork_migration: serve_old_names'
UNION ALL
SELECT
  'pg_proc'::regclass::oid AS class,
  p.oid
FROM pg_catalog.pg_proc AS p
WHERE
  p.pronamespace = TO_REGNAMESPACE('legacy_names')::oid
  AND OBJ_DESCRIPTION(p.oid, 'pg_proc') = 'artwork_migration: serve_old_names'
UNION ALL
SELECT
  'pg_namespace'::regclass::oid AS class,
  n.oid
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = 'legacy_names' AND OBJ_DESCRIPTION(n.oid, 'pg_namespace') = 'artwork_migration: serve_old_names'

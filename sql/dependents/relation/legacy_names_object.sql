-- What: our objects in the schema legacy_names, and the schema, where deploy_schema has created it (decision serve_old_names): each carries
--   our comment.
-- Why: the name alone is not enough. Without the decision a schema of that name is the application's, and with it the application may
--   create objects beside ours. Comments are kept by a dump and by CREATE OR REPLACE.
-- Locks: none.
SELECT
  d.classoid AS class,
  d.objoid AS oid
FROM pg_catalog.pg_description AS d
CROSS JOIN LATERAL PG_IDENTIFY_OBJECT(d.classoid, d.objoid, 0) AS i
WHERE d.objsubid = 0 AND d.description = 'artwork_migration: serve_old_names' AND COALESCE(i.schema, i.name) = 'legacy_names'

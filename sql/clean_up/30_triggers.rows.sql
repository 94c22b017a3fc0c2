-- What: drops all our triggers: capture and refusals on the serving table, guard and capture on the retired table, capture on users and on
--   the referencing tables, deletes through the view artworks_v2.
-- Why: nothing is carried back any more, so nothing needs to be logged. They are found by their name and by the schema of their function.
-- Inverse: none.
-- Locks: ACCESS EXCLUSIVE on each table, taken before.
-- Stage: locked
SELECT
  FORMAT('trigger %I on %s', g.tgname, g.tgrelid::regclass) AS object,
  FORMAT('DROP TRIGGER %I ON %s', g.tgname, g.tgrelid::regclass) AS "do",
  NULL AS undo
FROM pg_catalog.pg_trigger AS g
INNER JOIN pg_catalog.pg_proc AS p ON g.tgfoid = p.oid
WHERE
  STARTS_WITH(LOWER(g.tgname), 'artwork_migration_') AND g.tgparentid = 0
  AND (p.pronamespace = 'artwork_migration'::regnamespace OR p.oid = TO_REGPROCEDURE('public.artwork_lifecycle()'))
ORDER BY 1

-- What: every trigger of ours goes: the capture and the refusals on the serving table, the guard and the capture on the retired one, the
--   capture on users and on what references artworks, the deletes of the view artworks_v2.
-- Why: nothing is carried back any more, so nothing need be logged. Told by their name and by the schema of their function.
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
  STARTS_WITH(LOWER(g.tgname), 'artwork_migration_') AND p.pronamespace = 'artwork_migration'::regnamespace AND g.tgparentid = 0
ORDER BY 1

-- What: a dependent that reads artworks and artworks_v2.
-- Why: it is recreated before the view artworks_v2 exists, and would keep that view at the rollback.
-- Locks: none.
-- Remedy: Drop it before the switch; after it, artworks alone is both.
-- Given: bound_object, dependent
SELECT DISTINCT
  d.object,
  'it reads artworks and artworks_v2, which are one table after the switch.' AS problem
FROM artwork_migration.dependent AS d
INNER JOIN artwork_migration.bound_object AS b ON d.class = b.class AND d.oid = b.oid
WHERE b.outside AND b.table_oid = TO_REGCLASS('public.artworks_v2')
ORDER BY 1

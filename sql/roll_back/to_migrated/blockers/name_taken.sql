-- What: a name that a key or an index of the legacy table had, or that of artworks_v2, belongs to something created after the switch.
-- Why: the rollback gives these names back. The clean table frees its own just before, and so does our view artworks_v2, if it
--   still exists.
-- Locks: none.
-- Remedy: Rename or drop it.
SELECT
  c.oid::regclass::text AS subject,
  'the retired table needs the name at the rollback.' AS problem
FROM pg_catalog.pg_class AS c
WHERE
  c.relnamespace = 'public'::regnamespace AND c.relkind <> 'c' AND STARTS_WITH(c.relname, 'artworks_')
  AND FORMAT('name %s', c.relname) = ANY(CAST(:known AS text[]))
  AND NOT EXISTS (
    SELECT FROM artwork_migration.dependent_at_switch AS h
    WHERE c.relname = 'artworks_v2' AND c.relkind = 'v' AND h.kind = 'view' AND h.object = 'public.artworks_v2'
  )
  AND FORMAT('name %s', REPLACE(c.relname, 'artworks_', 'artworks_v2_')) <> ALL(CAST(:known AS text[]))
ORDER BY 1

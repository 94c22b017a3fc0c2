-- What: a name that the legacy table's keys and indexes had, or that of artworks_v2, and that something made after the switch has now.
-- Why: the way back gives them their names again. The clean table's own gives its name away just before, and so does our view
--   artworks_v2, if it is still there.
-- Locks: none.
-- Remedy: Rename or drop it.
SELECT
  c.oid::regclass::text AS subject,
  'the retired table needs the name on the way back.' AS problem
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

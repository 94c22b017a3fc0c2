-- What: a name that the legacy table's keys and indexes had, and that something made after the switch has now.
-- Why: the way back gives them their names again. The clean table's own gives its name away just before.
-- Locks: none.
-- Remedy: Rename or drop it.
SELECT
  c.oid::regclass::text AS subject,
  'the retired table needs the name on the way back.' AS problem
FROM pg_catalog.pg_class AS c
WHERE
  c.relnamespace = 'public'::regnamespace AND c.relkind <> 'c' AND STARTS_WITH(c.relname, 'artworks_')
  AND FORMAT('name %s', c.relname) = ANY(CAST(:known AS text[]))
  AND c.relname <> 'artworks_v2'
  AND FORMAT('name %s', REPLACE(c.relname, 'artworks_', 'artworks_v2_')) <> ALL(CAST(:known AS text[]))
ORDER BY 1

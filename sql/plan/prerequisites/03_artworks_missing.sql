-- What: there is no table public.artworks, or it is something else than an ordinary table.
-- Why: it is what is migrated.
-- Locks: none.
-- Remedy: Check the database name in ARTWORK_DATABASE_URL; the table must be an ordinary one in the schema public.
SELECT
  'table public.artworks' AS subject,
  CASE
    WHEN c.oid IS NULL THEN 'there is no such table in database ' || CURRENT_DATABASE() || '.'
    ELSE 'it is no ordinary table (it is a view, foreign, partitioned, or has parents or children).'
  END AS problem
FROM (SELECT TO_REGCLASS('public.artworks') AS oid) AS t
LEFT JOIN pg_catalog.pg_class AS c ON t.oid = c.oid
WHERE
  c.oid IS NULL OR c.relkind <> 'r'
  OR EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent))

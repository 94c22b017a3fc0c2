-- What: the table public.artworks does not exist, or is not an ordinary table.
-- Why: it is the table that is migrated.
-- Locks: none.
-- Remedy: Check the database name in ARTWORK_DATABASE_URL. The table must be an ordinary table in the schema public; one that is
--   partitioned or inherits must be copied into an ordinary one first.
SELECT
  'table public.artworks' AS subject,
  CASE
    WHEN c.oid IS NULL THEN 'it does not exist in database ' || CURRENT_DATABASE() || '.'
    ELSE 'it is not an ordinary table (it is a view, foreign or partitioned, or it has parents or children).'
  END AS problem
FROM (SELECT TO_REGCLASS('public.artworks') AS oid) AS t
LEFT JOIN pg_catalog.pg_class AS c ON t.oid = c.oid
WHERE
  c.oid IS NULL OR c.relkind <> 'r'
  OR EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent))

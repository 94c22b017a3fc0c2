-- What: a name that the switch gives is in use.
-- Why: nothing of the application may be replaced or mixed up with ours.
-- Locks: none.
-- Remedy: Rename it, or drop it if nobody needs it.
SELECT
  c.oid::regclass::text AS subject,
  'the name is taken.' AS problem
FROM pg_catalog.pg_class AS c
LEFT JOIN pg_catalog.pg_index AS i ON c.oid = i.indexrelid
WHERE
  c.relnamespace = 'public'::regnamespace AND c.relkind <> 'c'
  AND (
    c.relname = 'artworks_old' OR STARTS_WITH(c.relname, 'artworks_old_')
    -- the legacy table's own indexes are renamed before
    OR (
      i.indrelid IS DISTINCT FROM 'public.artworks'::regclass
      AND EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS x INNER JOIN pg_catalog.pg_class AS y ON x.indexrelid = y.oid
        WHERE
          x.indrelid = 'public.artworks_v2'::regclass AND STARTS_WITH(y.relname, 'artworks_v2_')
          AND c.relname = REPLACE(y.relname, 'artworks_v2_', 'artworks_')
      )
    )
  )
ORDER BY 1

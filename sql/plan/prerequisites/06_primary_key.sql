-- What: id alone is not the primary key, or the key is deferrable.
-- Why: rows of both tables are matched by id. No foreign key can reference a deferrable one, and no ON CONFLICT can use it.
-- Locks: none.
-- Remedy: Make (id) the primary key, not deferrable.
SELECT
  'public.artworks.id' AS subject,
  'it is not the primary key, or that key is deferrable.' AS problem
WHERE
  EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = TO_REGCLASS('public.artworks') AND a.attname = 'id' AND NOT a.attisdropped
  )
  AND NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_index AS i
    INNER JOIN pg_catalog.pg_attribute AS a ON i.indrelid = a.attrelid AND i.indkey[0] = a.attnum
    WHERE i.indrelid = TO_REGCLASS('public.artworks') AND i.indisprimary AND i.indimmediate AND i.indnkeyatts = 1 AND a.attname = 'id'
  )

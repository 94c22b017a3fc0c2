-- What: artworks.user_id is there, but no foreign key to users (id) keeps it true.
-- Why: a user_id that names nobody cannot stand in the clean table.
-- Locks: none.
-- Remedy: Add the foreign key with ON DELETE SET NULL, or VALIDATE it.
SELECT
  'public.artworks.user_id' AS subject,
  'it has no validated foreign key to users (id).' AS problem
FROM pg_catalog.pg_attribute AS a
WHERE
  a.attrelid = TO_REGCLASS('public.artworks') AND a.attname = 'user_id' AND NOT a.attisdropped
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS k
    WHERE
      k.contype = 'f' AND k.conrelid = a.attrelid AND k.confrelid = TO_REGCLASS('public.users') AND k.conkey = ARRAY[a.attnum]
      AND k.convalidated
  )

-- What: artworks.user_id exists, but no validated foreign key to users (id) protects it.
-- Why: the clean table cannot hold a user_id that matches no user.
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

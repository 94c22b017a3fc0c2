-- What: a foreign key references the legacy table by a column other than id.
-- Why: the migration follows references by id.
-- Locks: none.
-- Remedy: Make the foreign key reference artworks (id), or drop it.
SELECT
  FORMAT('constraint %s on %s', k.conname, k.conrelid::regclass) AS subject,
  'it references artworks by a column other than id.' AS problem
FROM pg_catalog.pg_constraint AS k
WHERE
  k.contype = 'f' AND k.confrelid = TO_REGCLASS('public.artworks') AND k.conrelid <> k.confrelid
  AND k.confkey <> ARRAY[(
    SELECT a.attnum FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = TO_REGCLASS('public.artworks') AND a.attname = 'id'
  )]
ORDER BY 1

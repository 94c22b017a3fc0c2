-- What: a foreign key leads to the legacy table by something else than id.
-- Why: what is referenced is followed by id.
-- Locks: none.
-- Remedy: Point the foreign key at artworks (id), or drop it.
SELECT
  FORMAT('constraint %s on %s', k.conname, k.conrelid::regclass) AS subject,
  'it references artworks by another column than id.' AS problem
FROM pg_catalog.pg_constraint AS k
WHERE
  k.contype = 'f' AND k.confrelid = TO_REGCLASS('public.artworks') AND k.conrelid <> k.confrelid
  AND k.confkey <> ARRAY[(
    SELECT a.attnum FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = TO_REGCLASS('public.artworks') AND a.attname = 'id'
  )]
ORDER BY 1

-- What: a column of the mapping whose values the database generates.
-- Why: nobody can write to it, so what the clean side changes in it would be lost at a roll back, and a new artwork would come without it.
--   The expression cannot be reversed either.
-- Locks: none.
-- Remedy: Make it a plain column; its values stay. From then on the application, or a trigger, has to write it. A virtual column has no
--   values of its own: replace it by a plain one.
SELECT
  'public.artworks.' || a.attname AS subject,
  'its values are generated, so a change on the clean side could not be written to it.' AS problem,
  CASE a.attgenerated WHEN 's' THEN FORMAT('ALTER TABLE public.artworks ALTER COLUMN %I DROP EXPRESSION', a.attname) END AS statement
FROM pg_catalog.pg_attribute AS a
WHERE
  a.attrelid = TO_REGCLASS('public.artworks') AND NOT a.attisdropped AND a.attgenerated <> ''
  AND EXISTS (
    SELECT FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (legacy_column text)
    WHERE m.legacy_column = a.attname
  )
ORDER BY a.attnum

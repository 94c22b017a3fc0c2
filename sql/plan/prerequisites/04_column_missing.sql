-- What: a column that the mapping reads is missing.
-- Why: the mapping would have to invent its values.
-- Locks: none.
-- Remedy: Add the column (it may be empty), or check that this is the right table.
SELECT
  'public.artworks.' || m.legacy_column AS subject,
  'the column is missing.' AS problem
FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (position int, legacy_column text, required boolean)
WHERE
  m.required AND TO_REGCLASS('public.artworks') IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = TO_REGCLASS('public.artworks') AND a.attname = m.legacy_column AND NOT a.attisdropped
  )
ORDER BY m.position

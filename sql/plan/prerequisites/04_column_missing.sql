-- What: a column that the mapping reads is missing.
-- Why: the mapping would have to invent its values.
-- Locks: none.
-- Remedy: Rename the column if it has another name here, or add it and fill it: rows in which it is empty are not migrated, or lose their
--   picture. Where a statement is given, an empty column is enough. Check as well that this is the right table.
SELECT
  'public.artworks.' || m.legacy_column AS subject,
  'the column is missing.' AS problem,
  CASE
    WHEN
      m.legacy_column IN (
        'customer_name', 'pet_name', 'original_pet_mom_url', 'original_pet_url', 'original_image_url', 'token_expires_at'
      )
      THEN FORMAT('ALTER TABLE public.artworks ADD COLUMN %I %s', m.legacy_column, m.data_type)
  END AS statement
FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (position int, legacy_column text, required boolean, data_type text)
WHERE
  m.required AND TO_REGCLASS('public.artworks') IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = TO_REGCLASS('public.artworks') AND a.attname = m.legacy_column AND NOT a.attisdropped
  )
ORDER BY m.position

-- What: the legacy columns that the mapping does not know.
-- Why: whatever stays behind in the retired table is named before anybody approves.
-- Locks: none.
SELECT a.attname AS column_name
FROM pg_catalog.pg_attribute AS a
WHERE
  a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attname NOT IN (
    SELECT m.legacy_column FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (legacy_column text)
  )
ORDER BY a.attnum

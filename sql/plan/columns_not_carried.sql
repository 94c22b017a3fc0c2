-- What: the legacy columns whose values come nowhere, also if the mapping knows them for the way back, and
--   one question for how many values each holds, in a sample of :percent.
-- Why: whatever stays behind in the retired table is named before anybody approves. One scan for all columns, the same sample each time.
-- Locks: ACCESS SHARE on public.artworks, when the question is asked.
SELECT
  COALESCE(ARRAY_AGG(a.attname::text ORDER BY a.attnum), '{}') AS columns,
  FORMAT(
    'SELECT ARRAY[%s]::bigint[] AS counts FROM public.artworks AS a TABLESAMPLE SYSTEM (%s) REPEATABLE (1)',
    STRING_AGG(FORMAT('COUNT(a.%I)', a.attname), ', ' ORDER BY a.attnum),
    CAST(:percent AS float8)
  ) AS question
FROM pg_catalog.pg_attribute AS a
WHERE
  a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attname NOT IN (
    SELECT m.legacy_column
    FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text, on_update boolean)
    WHERE m.on_update OR m.clean_column = 'id'
  )

-- What: the columns that the view artwork_migration.column_gone (deploy_schema/49) will name, from the mapping (:mapping).
-- Why: what cannot go over to the clean table is told before there is one.
-- Locks: none.
SELECT
  a.attnum AS number,
  a.attname AS name
FROM pg_catalog.pg_attribute AS a
WHERE
  a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND NOT EXISTS (
    SELECT
    FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, data_type text, carried boolean)
    WHERE m.clean_column = a.attname AND (m.carried OR (m.data_type::regtype = a.atttypid AND a.atttypmod = -1))
  )

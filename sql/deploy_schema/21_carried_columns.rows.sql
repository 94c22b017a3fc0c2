-- What: the legacy columns named by the decision carry_columns, added to the clean table unchanged, with their defaults.
-- Why: the strategy's mapping omits them, and an operator may want them anyway. They are not NOT NULL, because the application creates
--   clean artworks without them.
-- Inverse: 20_clean_table.sql drops the table as a whole.
-- Locks: none; the table is new.
-- Stage: prepare
SELECT
  FORMAT('public.artworks_v2.%I', m.legacy_column) AS object,
  FORMAT('ALTER TABLE public.artworks_v2 ADD COLUMN %I %s', m.legacy_column, FORMAT_TYPE(a.atttypid, a.atttypmod))
  || COALESCE(' DEFAULT ' || PG_GET_EXPR(d.adbin, d.adrelid), '') AS "do",
  NULL AS undo
FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (position int, legacy_column text, carried boolean)
INNER JOIN pg_catalog.pg_attribute AS a
  ON m.legacy_column = a.attname AND a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE m.carried
ORDER BY m.position

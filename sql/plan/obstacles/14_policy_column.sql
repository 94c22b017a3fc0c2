-- What: a row level security policy of the legacy table reads a column that the clean table does not have under that name.
-- Why: the policy could not be carried over, and without it the clean table would show other rows.
-- Locks: none.
-- Remedy: Rewrite the policy on columns that both tables have.
SELECT
  FORMAT('policy %s on public.artworks', p.polname) AS subject,
  FORMAT('it reads the column %s, which the clean table does not have.', a.attname) AS problem
FROM pg_catalog.pg_policy AS p
INNER JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid AND d.refclassid = 'pg_class'::regclass AND p.polrelid = d.refobjid
INNER JOIN pg_catalog.pg_attribute AS a ON d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
WHERE
  p.polrelid = TO_REGCLASS('public.artworks') AND d.refobjsubid > 0
  AND NOT EXISTS (
    SELECT FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text)
    WHERE m.clean_column = a.attname AND m.legacy_column = a.attname
  )
ORDER BY 1, 2

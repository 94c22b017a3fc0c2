-- What: a row level security policy of the legacy table reads a column that the clean table does not have under that name, or the whole
--   row, or contains a literal that cannot be distinguished from the table's name.
-- Why: the policy cannot be copied to the clean table, and without it the clean table would show other rows.
-- Locks: none.
-- Remedy: Rewrite the policy with columns that both tables have.
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
UNION ALL
SELECT
  FORMAT('policy %s on public.artworks', e.polname) AS subject,
  CASE
    WHEN e.code ~ '\martworks\.\*' THEN 'it reads the whole row, and the clean table has other columns.'
    ELSE 'it contains a literal with "artworks.", which cannot be distinguished from the table.'
  END AS problem
FROM (
  SELECT
    p.polname,
    d.expression,
    REGEXP_REPLACE(d.expression, '''[^'']*''', '', 'g') AS code
  FROM pg_catalog.pg_policy AS p
  CROSS JOIN
    LATERAL (
      SELECT CONCAT_WS(' ', PG_GET_EXPR(p.polqual, p.polrelid), PG_GET_EXPR(p.polwithcheck, p.polrelid)) AS expression
    ) AS d
  WHERE p.polrelid = TO_REGCLASS('public.artworks')
) AS e
WHERE e.code ~ '\martworks\.\*' OR REGEXP_COUNT(e.expression, '\martworks\.') > REGEXP_COUNT(e.code, '\martworks\.')
ORDER BY 1, 2

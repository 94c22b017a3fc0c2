-- What: the legacy table's row level security policies, created on the clean table under their names.
-- Why: law 8. The expressions are deparsed with an empty search_path, so every name in them is qualified. Only a column of the legacy table
--   inside a sub-select is written artworks.column (prerequisites/14_policy_column refuses a literal that looks like it).
-- Inverse: none; the table is dropped as a whole.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  FORMAT('policy %I on public.artworks_v2', p.polname) AS object,
  FORMAT(
    'CREATE POLICY %I ON public.artworks_v2 AS %s FOR %s TO %s%s%s',
    p.polname,
    CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    (
      SELECT STRING_AGG(CASE WHEN r.role = 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(r.role)) END, ', ' ORDER BY r.place)
      FROM UNNEST(p.polroles) WITH ORDINALITY AS r (role, place)
    ),
    ' USING (' || REGEXP_REPLACE(PG_GET_EXPR(p.polqual, p.polrelid), '\martworks\.', 'artworks_v2.', 'g') || ')',
    ' WITH CHECK (' || REGEXP_REPLACE(PG_GET_EXPR(p.polwithcheck, p.polrelid), '\martworks\.', 'artworks_v2.', 'g') || ')'
  ) AS "do",
  NULL AS undo
FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = 'public.artworks'::regclass
ORDER BY p.polname

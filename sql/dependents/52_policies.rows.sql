-- What: the row level security policies of other tables that read artworks, said again once the names have changed hands.
-- Why: a policy is bound to the table, its text to the name; left alone, a customer's orders would be looked for by the retired table.
-- Inverse: in the rows: the same words, once the names are the old ones.
-- Locks: ACCESS EXCLUSIVE on the policy's table, taken before.
-- Stage: locked
-- Remedy: Rewrite it on columns that both tables have.
-- Given: column_gone
SELECT DISTINCT
  FORMAT('policy %I on %s', p.polname, p.polrelid::regclass) AS object,
  s.statement AS "do",
  s.statement AS undo,
  'named' AS undo_stage,
  'said again at the switch; it reads the clean table then' AS action,
  'it reads ' || (
    SELECT STRING_AGG(DISTINCT g.name, ', ')
    FROM pg_catalog.pg_depend AS x INNER JOIN artwork_migration.column_gone AS g ON x.refobjsubid = g.number
    WHERE x.classid = 'pg_policy'::regclass AND x.objid = p.oid AND x.refobjid = d.refobjid
  ) || ', which the clean table does not have.' AS problem
FROM pg_catalog.pg_depend AS d
INNER JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
CROSS JOIN
  LATERAL (
    SELECT
      FORMAT(
        'ALTER POLICY %I ON %s%s%s',
        p.polname,
        p.polrelid::regclass,
        ' USING (' || PG_GET_EXPR(p.polqual, p.polrelid) || ')',
        ' WITH CHECK (' || PG_GET_EXPR(p.polwithcheck, p.polrelid) || ')'
      ) AS statement
  ) AS s
WHERE
  d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass
  AND p.polrelid NOT IN ('public.artworks'::regclass, COALESCE(TO_REGCLASS('public.artworks_v2'), 'public.artworks'::regclass))
ORDER BY 1

-- What: the row level security policies of the table itself: the clean table has them since deploy_schema.
-- Why: law 8: anyone who approves sees that the clean table is open to the same roles. The switch does nothing about them, but one that
--   changes between plan and lock stops it.
-- Inverse: none; there is no statement.
-- Locks: none.
SELECT
  FORMAT('policy %I', p.polname) AS object,
  'pg_policy'::regclass::oid AS class,
  p.oid,
  CONCAT_WS(' ', PG_GET_EXPR(p.polqual, p.polrelid), PG_GET_EXPR(p.polwithcheck, p.polrelid)) AS definition,
  c.relowner AS owner,
  NULL::oid AS locked,
  'created on the clean table at deploy_schema' AS action,
  NULL AS problem,
  NULL::jsonb AS steps
FROM pg_catalog.pg_policy AS p
INNER JOIN pg_catalog.pg_class AS c ON p.polrelid = c.oid
WHERE p.polrelid = TO_REGCLASS('public.artworks')
ORDER BY p.polname

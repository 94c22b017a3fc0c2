-- What: the row level security policies of other tables that read artworks: recreated from their own definition.
-- Why: a policy is bound to the table, its definition to the name. Left alone, a customer's orders would be found by the retired table.
-- Inverse: in the rows: the same statement, once the tables have their old names.
-- Locks: ACCESS EXCLUSIVE on the policy's table, taken before.
-- Remedy: Rewrite it on columns that both tables have.
-- Given: bound_to_artworks, column_gone
SELECT
  FORMAT('policy %I on %s', p.polname, p.polrelid::regclass) AS object,
  b.class,
  b.oid,
  s.definition,
  (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = p.polrelid) AS owner,
  p.polrelid AS locked,
  'recreated at the switch; it reads the clean table then' AS action,
  (
    SELECT 'it reads ' || STRING_AGG(g.problem, '; ' ORDER BY g.name) || '.'
    FROM artwork_migration.column_gone AS g
    WHERE g.absent AND g.number = ANY(b.columns)
  ) AS problem,
  JSONB_BUILD_ARRAY(
    JSONB_BUILD_OBJECT('stage', 'locked', 'do', s.definition, 'undo', s.definition, 'undo_stage', 'named')
  ) AS steps
FROM artwork_migration.bound_to_artworks AS b
INNER JOIN pg_catalog.pg_policy AS p ON b.class = 'pg_policy'::regclass AND b.oid = p.oid
CROSS JOIN
  LATERAL (
    SELECT
      FORMAT(
        'ALTER POLICY %I ON %s%s%s',
        p.polname,
        p.polrelid::regclass,
        ' USING (' || PG_GET_EXPR(p.polqual, p.polrelid) || ')',
        ' WITH CHECK (' || PG_GET_EXPR(p.polwithcheck, p.polrelid) || ')'
      ) AS definition
  ) AS s
ORDER BY 1

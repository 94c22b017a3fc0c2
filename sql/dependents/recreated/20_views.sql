-- What: the views on artworks: recreated from their own definition.
-- Why: a view is bound to the table, its definition to the name. Replaced, not dropped: identity, grants, comments and whatever reads it
--   stay. Its options are in the statement too, without which it would lose security_invoker and show every customer's rows.
-- Inverse: in the rows: the same statement, once the tables have their old names.
-- Locks: ACCESS EXCLUSIVE on the view, taken before.
-- Remedy: Rewrite it on columns that both tables have, or drop it before the switch and create it anew after it.
-- Given: bound_to_artworks, column_gone
SELECT
  'view ' || v.oid::regclass AS object,
  b.class,
  b.oid,
  s.definition,
  v.relowner AS owner,
  v.oid AS locked,
  'recreated at the switch with its options; owner, grants and comments stay; it reads the clean table then' AS action,
  (
    SELECT 'it reads ' || STRING_AGG(g.problem, '; ' ORDER BY g.name) || '.'
    FROM artwork_migration.column_gone AS g
    WHERE g.number = ANY(b.columns)
  ) AS problem,
  JSONB_BUILD_ARRAY(
    JSONB_BUILD_OBJECT('stage', 'locked', 'do', s.definition, 'undo', s.definition, 'undo_stage', 'named')
  ) AS steps
FROM artwork_migration.bound_to_artworks AS b
INNER JOIN pg_catalog.pg_class AS v ON b.class = 'pg_class'::regclass AND b.oid = v.oid
CROSS JOIN
  LATERAL (
    SELECT
      FORMAT(
        'CREATE OR REPLACE VIEW %s%s AS %s',
        v.oid::regclass, ' WITH (' || ARRAY_TO_STRING(v.reloptions, ', ') || ')', RTRIM(PG_GET_VIEWDEF(v.oid), ';')
      ) AS definition
  ) AS s
WHERE v.relkind = 'v'
ORDER BY 1

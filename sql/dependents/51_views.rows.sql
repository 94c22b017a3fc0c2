-- What: the views on artworks, said again once the names have changed hands.
-- Why: a view is bound to the table, its text to the name. Replaced, not dropped: identity, grants, comments and whatever reads it stay;
--   its options are said as well, without which it would lose security_invoker and show every customer's rows.
-- Inverse: in the rows: the same words, once the names are the old ones.
-- Locks: ACCESS EXCLUSIVE on the view, taken before.
-- Stage: locked
-- Remedy: Rewrite it on columns that both tables have, or drop it before the switch and create it anew after it.
-- Given: column_gone
SELECT DISTINCT
  'view ' || c.oid::regclass AS object,
  s.statement AS "do",
  s.statement AS undo,
  'named' AS undo_stage,
  'said again at the switch with its options; owner, grants and comments stay; it reads the clean table then' AS action,
  'it reads ' || (
    SELECT STRING_AGG(DISTINCT g.name, ', ')
    FROM pg_catalog.pg_depend AS x INNER JOIN artwork_migration.column_gone AS g ON x.refobjsubid = g.number
    WHERE x.classid = 'pg_rewrite'::regclass AND x.objid = w.oid AND x.refobjid = d.refobjid
  ) || ', which the clean table does not have.' AS problem
FROM pg_catalog.pg_depend AS d
INNER JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
INNER JOIN pg_catalog.pg_class AS c ON w.ev_class = c.oid
CROSS JOIN
  LATERAL (
    SELECT
      FORMAT(
        'CREATE OR REPLACE VIEW %s%s AS %s',
        c.oid::regclass, ' WITH (' || ARRAY_TO_STRING(c.reloptions, ', ') || ')', RTRIM(PG_GET_VIEWDEF(c.oid), ';')
      ) AS statement
  ) AS s
WHERE
  d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass
  AND c.relkind = 'v' AND c.relnamespace IS DISTINCT FROM TO_REGNAMESPACE('artwork_migration')
ORDER BY 1

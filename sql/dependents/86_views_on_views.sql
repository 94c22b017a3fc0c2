-- What: views and materialized views that read artworks through another view.
-- Why: the view below is recreated under its identity, so these stay what they are.
-- Locks: none.
-- Given: legacy_names_object
WITH RECURSIVE reader AS (
  SELECT
    TO_REGCLASS('public.artworks')::oid AS oid,
    0 AS height
  UNION
  SELECT
    w.ev_class,
    r.height + 1
  FROM reader AS r
  INNER JOIN pg_catalog.pg_depend AS d ON r.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
  INNER JOIN pg_catalog.pg_rewrite AS w ON d.objid = w.oid AND w.rulename = '_RETURN'
  WHERE w.ev_class <> r.oid
)

SELECT
  FORMAT('%sview %s', CASE c.relkind WHEN 'm' THEN 'materialized ' ELSE '' END, c.oid::regclass) AS object,
  CASE c.relkind
    WHEN 'm' THEN 'stays as it is; it reads the clean table through the view below from its next refresh after the switch on'
    ELSE 'stays as it is; it reads the clean table through the view below from the switch on'
  END AS action
FROM reader AS r
INNER JOIN pg_catalog.pg_class AS c ON r.oid = c.oid
WHERE
  c.relnamespace IS DISTINCT FROM TO_REGNAMESPACE('artwork_migration')
  AND c.oid NOT IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.class = 'pg_class'::regclass)
GROUP BY c.oid, c.relkind
HAVING MIN(r.height) > 1
ORDER BY 1

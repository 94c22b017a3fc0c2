-- What: drops artworks_v2, the materialized views that the switch renamed to _old, and the views of our schema; a view that reads another
--   one first.
-- Why: all of them read the retired table or belong to the migration. artworks_v2 served code that was not deployed anew yet.
-- Inverse: none.
-- Locks: ACCESS EXCLUSIVE on the view; those of the application were locked before.
-- Stage: locked
-- Given: bound_object
WITH RECURSIVE going AS (
  SELECT c.oid
  FROM pg_catalog.pg_class AS c
  WHERE
    c.relkind IN ('v', 'm')
    AND (
      c.relnamespace = 'artwork_migration'::regnamespace
      OR c.oid IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.class = 'pg_class'::regclass)
      OR c.oid = TO_REGCLASS('public.artworks_v2')
      OR (
        c.relkind = 'm'
        AND c.oid IN (
          SELECT b.oid FROM artwork_migration.bound_object AS b
          WHERE b.class = 'pg_class'::regclass AND b.table_oid = 'public.artworks_old'::regclass
        )
      )
    )
),

-- how many views lie below each
heights AS (
  SELECT
    g.oid,
    0 AS height
  FROM going AS g
  UNION
  SELECT
    w.ev_class,
    h.height + 1
  FROM heights AS h
  INNER JOIN pg_catalog.pg_depend AS d ON h.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
  INNER JOIN pg_catalog.pg_rewrite AS w ON d.objid = w.oid AND d.classid = 'pg_rewrite'::regclass
  WHERE w.ev_class <> h.oid
)

SELECT
  'view ' || c.oid::regclass AS object,
  FORMAT('DROP %sVIEW %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END, c.oid::regclass) AS "do",
  NULL AS undo
FROM going AS g
INNER JOIN pg_catalog.pg_class AS c ON g.oid = c.oid
ORDER BY (SELECT MAX(h.height) FROM heights AS h WHERE h.oid = g.oid) DESC, c.oid::regclass::text

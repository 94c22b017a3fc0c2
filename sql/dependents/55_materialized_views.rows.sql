-- What: the twins of the materialized views (15) take their names; the old ones and their indexes are called _old from now on.
-- Why: only names are swapped under the lock. The old one is kept for the way back, on which the twin goes.
-- Inverse: in the rows.
-- Locks: ACCESS EXCLUSIVE on the materialized view, taken before.
-- Stage: locked
-- Remedy: Rename one of the two.
WITH views AS (
  SELECT DISTINCT
    c.oid,
    c.relname,
    n.nspname
  FROM pg_catalog.pg_depend AS d
  INNER JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  INNER JOIN pg_catalog.pg_class AS c ON w.ev_class = c.oid
  INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass AND c.relkind = 'm'
)

SELECT
  FORMAT('materialized view %I.%I', s.nspname, s.relname) AS object,
  s."do",
  s.undo,
  CASE
    WHEN s.place = 1
      THEN 'built anew on the clean table before the switch, which swaps the names; refreshed after it; the old one, _old, goes at clean-up'
  END AS action,
  CASE
    WHEN TO_REGCLASS(FORMAT('%I.%I', s.nspname, s.new_name)) IS NOT NULL THEN FORMAT('the name %I.%I is taken.', s.nspname, s.new_name)
  END AS problem
FROM (
  SELECT
    v.relname,
    v.nspname,
    1 AS place,
    v.relname || '_old' AS new_name,
    FORMAT('ALTER MATERIALIZED VIEW %I.%I RENAME TO %I', v.nspname, v.relname, v.relname || '_old') AS "do",
    FORMAT('ALTER MATERIALIZED VIEW %I.%I RENAME TO %I', v.nspname, v.relname || '_old', v.relname) AS undo
  FROM views AS v
  UNION ALL
  SELECT
    v.relname,
    v.nspname,
    2,
    i.name || '_old',
    FORMAT('ALTER INDEX %I.%I RENAME TO %I', v.nspname, i.name, i.name || '_old'),
    FORMAT('ALTER INDEX %I.%I RENAME TO %I', v.nspname, i.name || '_old', i.name)
  FROM views AS v
  CROSS JOIN
    LATERAL (
      SELECT c.relname AS name
      FROM pg_catalog.pg_index AS x INNER JOIN pg_catalog.pg_class AS c ON x.indexrelid = c.oid
      WHERE x.indrelid = v.oid
    ) AS i
  UNION ALL
  SELECT
    v.relname,
    v.nspname,
    3,
    '',
    FORMAT('ALTER MATERIALIZED VIEW artwork_migration.%I SET SCHEMA %I', v.relname, v.nspname),
    FORMAT('DROP MATERIALIZED VIEW IF EXISTS %I.%I', v.nspname, v.relname)
  FROM views AS v
) AS s
ORDER BY s.nspname, s.relname, s.place, s."do"

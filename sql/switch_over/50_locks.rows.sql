-- What: every lock of the switch, all of them first and none later: what dependents lock (views before tables), then artworks and its other
--   half.
-- Why: a session that waits for a lock while it holds another one can make the application a deadlock victim. A view is locked by giving it
--   the owner it has: LOCK TABLE on a view would lock every table in it as well, users among them. Views on the other half are locked too:
--   the rollback renames what they read. Used in both directions.
-- Inverse: none; a lock ends with the transaction.
-- Locks: ACCESS EXCLUSIVE on all of them.
-- Stage: locked
-- Given: bound_object, dependent
WITH halves AS (
  SELECT
    TO_REGCLASS('public.artworks')::oid AS oid,
    3 AS place
  UNION ALL
  SELECT
    COALESCE(TO_REGCLASS('public.artworks_old'), TO_REGCLASS('public.artworks_v2'))::oid AS oid,
    4 AS place
),

locked AS (
  SELECT d.locked AS oid
  FROM artwork_migration.dependent AS d
  UNION
  SELECT b.oid
  FROM artwork_migration.bound_object AS b
  INNER JOIN halves AS h ON b.table_oid = h.oid
  WHERE b.outside AND b.class = 'pg_class'::regclass AND NOT b.is_row_type
  UNION
  SELECT o.oid
  FROM artwork_migration.legacy_names_object AS o
  WHERE o.oid = TO_REGCLASS('legacy_names.artworks')
  UNION
  SELECT h.oid
  FROM halves AS h
)

SELECT
  s.object,
  CASE s.relkind
    WHEN 'v' THEN FORMAT('ALTER VIEW %s OWNER TO %I', s.object, s.owner)
    WHEN 'm' THEN FORMAT('ALTER MATERIALIZED VIEW %s OWNER TO %I', s.object, s.owner)
    ELSE FORMAT('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', s.object)
  END AS "do",
  'ACCESS EXCLUSIVE' AS lock,
  CASE WHEN s.relkind IN ('v', 'm') THEN 'view lock' ELSE 'table lock' END AS kind
FROM (
  SELECT
    COALESCE(h.place, CASE WHEN c.relkind IN ('v', 'm') THEN 1 ELSE 2 END) AS place,
    c.oid::regclass::text AS object,
    c.relkind,
    PG_GET_USERBYID(c.relowner) AS owner
  FROM locked AS l
  INNER JOIN pg_catalog.pg_class AS c ON l.oid = c.oid
  LEFT JOIN halves AS h ON c.oid = h.oid
) AS s
ORDER BY s.place, s.object

-- What: every lock of the switch, all of them first and none later: views, then tables that name artworks, then artworks and its other
--   half.
-- Why: whoever waits for a lock while holding another one can make the application a deadlock victim. A view is locked by giving it the
--   owner it has: LOCK TABLE on a view would lock every table in it as well, users among them. Used by the switch and by the way back from
--   it.
-- Inverse: none; a lock ends with the transaction.
-- Locks: ACCESS EXCLUSIVE on all of them.
-- Stage: locked
WITH halves AS (
  SELECT TO_REGCLASS('public.artworks')::oid AS oid
  UNION
  SELECT COALESCE(TO_REGCLASS('public.artworks_old'), TO_REGCLASS('public.artworks_v2'))::oid
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
  SELECT DISTINCT
    1 AS place,
    c.oid::regclass::text AS object,
    c.relkind,
    PG_GET_USERBYID(c.relowner) AS owner
  FROM pg_catalog.pg_depend AS d
  INNER JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  INNER JOIN pg_catalog.pg_class AS c ON w.ev_class = c.oid
  WHERE
    d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT h.oid FROM halves AS h)
    AND c.relkind IN ('v', 'm') AND c.relnamespace <> 'artwork_migration'::regnamespace
  UNION
  SELECT
    2,
    k.conrelid::regclass::text,
    'r',
    ''
  FROM pg_catalog.pg_constraint AS k
  WHERE k.contype = 'f' AND k.confrelid = 'public.artworks'::regclass AND k.conparentid = 0
  UNION
  SELECT
    2,
    p.polrelid::regclass::text,
    'r',
    ''
  FROM pg_catalog.pg_depend AS d
  INNER JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
  WHERE
    d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass
    AND p.polrelid NOT IN (SELECT h.oid FROM halves AS h)
  UNION
  SELECT
    CASE h.oid WHEN 'public.artworks'::regclass THEN 3 ELSE 4 END,
    h.oid::regclass::text,
    'r',
    ''
  FROM halves AS h
) AS s
ORDER BY s.place, s.object

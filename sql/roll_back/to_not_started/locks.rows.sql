-- What: the locks under which every object of the migration is dropped, all of them before anything else.
-- Why: dropping a trigger or a foreign key takes ACCESS EXCLUSIVE; see deploy_schema/50_locks. A table that users are not created in may
--   not be ours to lock: there the clean table's key is dropped first, which takes that lock.
-- Inverse: none; a lock ends with the transaction.
-- Locks: ACCESS EXCLUSIVE on all of them.
-- Stage: locked
SELECT
  s.object,
  s."do",
  'ACCESS EXCLUSIVE' AS lock,
  s.kind,
  s.waits_on
FROM (
  SELECT
    0 AS place,
    'key ' || k.conname AS object,
    FORMAT('ALTER TABLE public.artworks_v2 DROP CONSTRAINT %I', k.conname) AS "do",
    NULL AS kind,
    t.relation AS waits_on
  FROM artwork_migration.owner_table AS t
  INNER JOIN pg_catalog.pg_constraint AS k ON k.contype = 'f' AND k.confrelid = TO_REGCLASS(t.relation)
  WHERE NOT t.creates_users AND k.conrelid = TO_REGCLASS('public.artworks_v2')
  UNION ALL
  SELECT
    0,
    v.oid::regclass::text,
    FORMAT('ALTER VIEW %s OWNER TO %I', v.oid::regclass, PG_GET_USERBYID(v.relowner)),
    'view lock',
    NULL
  FROM artwork_migration.legacy_names_object AS o
  INNER JOIN pg_catalog.pg_class AS v ON o.class = 'pg_class'::regclass AND o.oid = v.oid
  UNION ALL
  SELECT
    l.place,
    l.object,
    FORMAT('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', l.object) AS "do",
    'table lock' AS kind,
    NULL AS waits_on
  FROM (
    SELECT DISTINCT
      g.tgrelid::regclass::text AS object,
      CASE g.tgrelid
        WHEN TO_REGCLASS('public.users') THEN 1
        WHEN 'public.artworks'::regclass THEN 3
        WHEN 'public.artworks_v2'::regclass THEN 4
        ELSE 2
      END AS place
    FROM pg_catalog.pg_trigger AS g
    WHERE STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
  ) AS l
) AS s
ORDER BY s.place, s.object

-- What: every lock of the clean-up, all of them before anything else: the views that are dropped, the tables that the retired table
--   references (users), the other tables with our triggers, then artworks and the retired table.
-- Why: dropping a trigger takes ACCESS EXCLUSIVE on its table, dropping a table with a foreign key also on the referenced one. A
--   transaction that waits for a lock while holding another can make the application a deadlock victim. A view is locked by giving it the
--   owner that it has: see switch_over/locks. A table that users are not created in may not be ours to lock: there the retired table's
--   key is dropped, which takes that lock; the table itself goes in the same transaction.
-- Inverse: none; a lock ends with the transaction.
-- Locks: ACCESS EXCLUSIVE on all of them.
-- Stage: locked
-- Given: bound_object
SELECT
  s.object,
  CASE s.relkind
    WHEN 'k' THEN FORMAT('ALTER TABLE public.artworks_old DROP CONSTRAINT %I', s.key_name)
    WHEN 'v' THEN FORMAT('ALTER VIEW %s OWNER TO %I', s.object, s.owner)
    WHEN 'm' THEN FORMAT('ALTER MATERIALIZED VIEW %s OWNER TO %I', s.object, s.owner)
    ELSE FORMAT('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', s.object)
  END AS "do",
  'ACCESS EXCLUSIVE' AS lock,
  CASE s.relkind WHEN 'k' THEN NULL WHEN 'v' THEN 'view lock' WHEN 'm' THEN 'view lock' ELSE 'table lock' END AS kind,
  CASE s.relkind WHEN 'k' THEN s.owner_table END AS waits_on
FROM (
  SELECT
    CASE
      WHEN c.relkind IN ('v', 'm') THEN 1
      WHEN c.oid = 'public.artworks'::regclass THEN 4
      WHEN c.oid = 'public.artworks_old'::regclass THEN 5
      WHEN r.referenced THEN 2
      ELSE 3
    END AS place,
    c.oid::regclass::text AS object,
    c.relkind,
    PG_GET_USERBYID(c.relowner) AS owner,
    NULL AS key_name,
    NULL AS owner_table
  FROM pg_catalog.pg_class AS c
  CROSS JOIN
    LATERAL (
      SELECT
        EXISTS(
          SELECT FROM pg_catalog.pg_constraint AS k
          WHERE
            k.contype = 'f' AND k.conrelid = 'public.artworks_old'::regclass AND k.confrelid = c.oid
            AND k.confrelid IS DISTINCT FROM (
              SELECT TO_REGCLASS(t.relation)::oid FROM artwork_migration.owner_table AS t WHERE NOT t.creates_users
            )
        ) AS referenced
    ) AS r
  WHERE
    c.oid IN ('public.artworks'::regclass, 'public.artworks_old'::regclass)
    OR c.oid IN (
      SELECT g.tgrelid
      FROM pg_catalog.pg_trigger AS g INNER JOIN pg_catalog.pg_proc AS p ON g.tgfoid = p.oid
      WHERE STARTS_WITH(LOWER(g.tgname), 'artwork_migration_') AND p.pronamespace = 'artwork_migration'::regnamespace
    )
    OR r.referenced
    OR c.oid = TO_REGCLASS('public.artworks_v2')
    OR c.oid IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.class = 'pg_class'::regclass)
    OR (
      c.relkind = 'm'
      AND c.oid IN (
        SELECT b.oid FROM artwork_migration.bound_object AS b
        WHERE b.class = 'pg_class'::regclass AND b.table_oid = 'public.artworks_old'::regclass
      )
    )
  UNION ALL
  SELECT
    0 AS place,
    'key ' || k.conname AS object,
    'k' AS relkind,
    NULL AS owner,
    k.conname AS key_name,
    t.relation AS owner_table
  FROM artwork_migration.owner_table AS t
  INNER JOIN pg_catalog.pg_constraint AS k ON k.contype = 'f' AND k.confrelid = TO_REGCLASS(t.relation)
  WHERE NOT t.creates_users AND k.conrelid = 'public.artworks_old'::regclass
) AS s
ORDER BY s.place, s.object

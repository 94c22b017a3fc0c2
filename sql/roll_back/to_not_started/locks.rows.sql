-- What: the locks under which every object of the migration is dropped, all of them before anything else.
-- Why: dropping a trigger or a foreign key takes ACCESS EXCLUSIVE; see deploy_schema/50_locks.
-- Inverse: none; a lock ends with the transaction.
-- Locks: ACCESS EXCLUSIVE on all of them.
-- Stage: locked
SELECT
  s.object,
  FORMAT('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', s.object) AS "do",
  'ACCESS EXCLUSIVE' AS lock,
  'table lock' AS kind
FROM (
  SELECT DISTINCT
    g.tgrelid::regclass::text AS object,
    CASE g.tgrelid
      WHEN 'public.users'::regclass THEN 1
      WHEN 'public.artworks'::regclass THEN 3
      WHEN 'public.artworks_v2'::regclass THEN 4
      ELSE 2
    END AS place
  FROM pg_catalog.pg_trigger AS g
  WHERE STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
) AS s
ORDER BY s.place, s.object

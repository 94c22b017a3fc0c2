-- What: the locks under which the triggers are created, all of them before anything else.
-- Why: a transaction that waits for a lock while holding another can make the application a deadlock victim. All waits together stay below
--   half of deadlock_timeout, so the deadlock detector never cancels the application.
-- Inverse: none; a lock ends with the transaction.
-- Locks: SHARE ROW EXCLUSIVE (reads go on, writes wait) on the legacy table and what references it; on users, where users are
--   created, the same, or ACCESS EXCLUSIVE where it lacks is_anonymous.
-- Stage: locked
SELECT
  s.object,
  FORMAT('LOCK TABLE %s IN %s MODE', s.object, s.lock) AS "do",
  s.lock,
  'table lock' AS kind
FROM (
  SELECT
    1 AS place,
    'public.users' AS object,
    CASE
      WHEN EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = TO_REGCLASS('public.users') AND a.attname = 'is_anonymous' AND NOT a.attisdropped
      ) THEN 'SHARE ROW EXCLUSIVE'
      ELSE 'ACCESS EXCLUSIVE'
    END AS lock
  WHERE TO_REGCLASS('public.users') IS NOT NULL AND CAST(:creates_users AS boolean)
  UNION
  SELECT
    2 AS place,
    c.conrelid::regclass::text AS object,
    'SHARE ROW EXCLUSIVE' AS lock
  FROM pg_catalog.pg_constraint AS c
  WHERE c.contype = 'f' AND c.confrelid = 'public.artworks'::regclass AND c.conrelid <> 'public.artworks'::regclass AND c.conparentid = 0
  UNION
  SELECT
    3 AS place,
    'public.artworks' AS object,
    'SHARE ROW EXCLUSIVE' AS lock
) AS s
ORDER BY s.place, s.object

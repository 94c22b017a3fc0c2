-- What: the users that we created, that no row references and that nobody has written to since: a query that counts them and names some
--   ids, and the statement that deletes them. `gone` is the table that is dropped before.
-- Why: no object of the migration remains after roll-back --to NOT_STARTED, and no row of the application may be lost. So the rows are
--   locked first; only then, in a new statement, each foreign key to users is read, whatever its ON DELETE does. It runs after the lock,
--   outside a transaction block, some hundreds in one transaction, and may be repeated. Where somebody has one of them locked, they are
--   taken one by one, so it never waits with rows locked. clean_up asks the same query and, on a decision, deletes them too.
--   A sign-up of older code may update the user and leave is_anonymous as it is. So a user stays whose row is not the version (xmin) that
--   the statement wrote which also wrote its row in created_user. In a restored database all of them stay.
-- Inverse: none; another migrate_data creates them again.
-- Locks: ROW EXCLUSIVE on public.users, and the users of one batch.
-- Stage: after
SELECT
  'users created by migrate-data' AS object,
  FORMAT(
    'SELECT COUNT(*) AS row_count, (ARRAY_AGG(u.id ORDER BY u.id))[1:100] AS ids'
    || ' FROM artwork_migration.created_user AS c INNER JOIN public.users AS u ON c.id = u.id AND c.xmin = u.xmin WHERE TRUE%s',
    r.free
  ) AS question,
  FORMAT(
    $do$DO $loop$
DECLARE
  batch uuid[];
BEGIN
  LOOP
    batch := ARRAY(SELECT c.id FROM artwork_migration.created_user AS c ORDER BY c.id LIMIT 250);
    EXIT WHEN CARDINALITY(batch) = 0;
    BEGIN
      PERFORM FROM public.users AS u WHERE u.id = ANY(batch) FOR UPDATE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
      batch := batch[1:1];
      PERFORM FROM public.users AS u WHERE u.id = ANY(batch) FOR UPDATE;
    END;
    DELETE FROM public.users AS u USING artwork_migration.created_user AS c
    WHERE u.id = ANY(batch) AND c.id = u.id AND c.xmin = u.xmin%s;
    DELETE FROM artwork_migration.created_user AS c WHERE c.id = ANY(batch);
    COMMIT;
  END LOOP;
END
$loop$$do$,
    r.free
  ) AS "do",
  'public.users' AS waits_on
FROM (
  SELECT
    CONCAT(
      (
        SELECT ' AND u.is_anonymous'
        FROM pg_catalog.pg_attribute AS i
        WHERE i.attrelid = TO_REGCLASS('public.users') AND i.attname = 'is_anonymous' AND NOT i.attisdropped
      ),
      STRING_AGG(
        FORMAT(' AND NOT EXISTS (SELECT FROM %s AS r WHERE r.%I = u.%I)', k.conrelid::regclass, a.attname, f.attname), ''
        ORDER BY k.conrelid::regclass::text, a.attname
      )
    ) AS free
  FROM pg_catalog.pg_constraint AS k
  INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND a.attnum = k.conkey[1]
  INNER JOIN pg_catalog.pg_attribute AS f ON k.confrelid = f.attrelid AND f.attnum = k.confkey[1]
  WHERE
    k.contype = 'f' AND k.confrelid = TO_REGCLASS('public.users')
    AND k.conrelid IS DISTINCT FROM TO_REGCLASS(CAST(:gone AS text))::oid
) AS r
WHERE
  TO_REGCLASS('artwork_migration.created_user') IS NOT NULL AND TO_REGCLASS('public.users') IS NOT NULL
  AND CAST(:creates_users AS boolean) AND NOT CAST(:users_are_ours AS boolean)

-- What: one statement that removes the users we created, as far as nothing references them, some thousands in a transaction.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains, and nothing of the application's may go: each foreign key to users is
--   asked, whatever its ON DELETE would do. Users that somebody has claimed are not in the list any more. It runs after the lock, outside
--   a transaction block, and may be run again.
-- Locks: none by itself; the row takes ROW EXCLUSIVE on public.users.
SELECT
  'users created by migrate_data' AS object,
  FORMAT(
    $do$DO $loop$
BEGIN
  LOOP
    WITH batch AS (
      DELETE FROM artwork_migration.created_user AS c
      WHERE c.id IN (SELECT x.id FROM artwork_migration.created_user AS x LIMIT 2000)
      RETURNING c.id
    )
    DELETE FROM public.users AS u USING batch AS b WHERE b.id = u.id%s;
    EXIT WHEN NOT EXISTS (SELECT FROM artwork_migration.created_user);
    COMMIT;
  END LOOP;
END
$loop$$do$,
    (
      SELECT
        STRING_AGG(
          FORMAT(' AND NOT EXISTS (SELECT FROM %s AS r WHERE r.%I = u.%I)', k.conrelid::regclass, a.attname, f.attname), ''
          ORDER BY k.conrelid::regclass::text, a.attname
        )
      FROM pg_catalog.pg_constraint AS k
      INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND a.attnum = k.conkey[1]
      INNER JOIN pg_catalog.pg_attribute AS f ON k.confrelid = f.attrelid AND f.attnum = k.confkey[1]
      WHERE
        k.contype = 'f' AND k.confrelid = TO_REGCLASS('public.users')
        AND k.conrelid IS DISTINCT FROM TO_REGCLASS('public.artworks_v2')::oid
    )
  ) AS "do"
WHERE
  TO_REGCLASS('artwork_migration.created_user') IS NOT NULL AND TO_REGCLASS('public.users') IS NOT NULL
  AND NOT CAST(:users_are_ours AS boolean)

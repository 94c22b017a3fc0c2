-- What: one statement that removes the users we created, as far as nothing references them and nobody has claimed them.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains, and nothing of the application's may go: each foreign key to users is
--   asked, whatever its ON DELETE would do. Our own table does not count.
-- Locks: none by itself; the row takes ROW EXCLUSIVE on public.users.
SELECT
  'users created by migrate_data' AS object,
  'DELETE FROM public.users AS u USING artwork_migration.created_user AS c WHERE c.id = u.id AND u.is_anonymous' || COALESCE(
    STRING_AGG(
      FORMAT(' AND NOT EXISTS (SELECT FROM %s AS r WHERE r.%I = u.%I)', k.conrelid::regclass, a.attname, f.attname), ''
      ORDER BY k.conrelid::regclass::text, a.attname
    ),
    ''
  ) AS "do"
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND a.attnum = k.conkey[1]
INNER JOIN pg_catalog.pg_attribute AS f ON k.confrelid = f.attrelid AND f.attnum = k.confkey[1]
WHERE k.contype = 'f' AND k.confrelid = 'public.users'::regclass AND k.conrelid <> 'public.artworks_v2'::regclass

-- What: the clean table's foreign key to the table that owns artworks, not validated, if it does not exist yet: first the locks, then the
--   key.
-- Why: deleting a user must still work (SET NULL, as the legacy key). During the copy the key would make every chunk wait for each deleted
--   user, and fail with it. A table that users are not created in may not be ours to lock; there the key takes the lock, last.
-- Inverse: deploy_schema/20_clean_table.sql drops the table as a whole.
-- Locks: SHARE ROW EXCLUSIVE (reads go on, writes wait) on the owners' table and public.artworks_v2, within the budget of a plan.
-- Stage: locked
SELECT
  s.object,
  s.statement AS "do",
  s.kind,
  CASE WHEN s.kind IS NULL THEN t.relation END AS waits_on
FROM artwork_migration.owner_table AS t
CROSS JOIN
  LATERAL (
    VALUES
    (1, t.relation, 'table lock', FORMAT('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', t.relation)),
    (2, 'public.artworks_v2', 'table lock', 'LOCK TABLE public.artworks_v2 IN SHARE ROW EXCLUSIVE MODE'),
    (
      3,
      'key artworks_v2_user_id_fkey',
      NULL,
      FORMAT(
        'ALTER TABLE public.artworks_v2 ADD CONSTRAINT artworks_v2_user_id_fkey'
        ' FOREIGN KEY (user_id) REFERENCES %s (%I) ON DELETE SET NULL ON UPDATE %s NOT VALID',
        t.relation, t.column_name, t.on_update
      )
    )
  ) AS s (place, object, kind, statement)
WHERE
  (t.creates_users OR s.place > 1)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS k
    WHERE k.conrelid = 'public.artworks_v2'::regclass AND k.conname = 'artworks_v2_user_id_fkey'
  )
ORDER BY s.place

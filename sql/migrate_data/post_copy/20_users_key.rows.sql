-- What: the clean table's foreign key to users, not validated, if it does not exist yet: first the locks, then the key.
-- Why: deleting a user must still work (SET NULL, as the legacy key), and a claimed user may change its id (CASCADE). During the copy the
--   key would make every chunk wait for each deleted user, and fail with it.
-- Inverse: deploy_schema/20_clean_table.sql drops the table as a whole.
-- Locks: SHARE ROW EXCLUSIVE (reads go on, writes wait) on public.users and public.artworks_v2, within the budget of a plan.
-- Stage: locked
SELECT
  s.object,
  s.statement AS "do",
  s.kind
FROM (
  VALUES
  (1, 'public.users', 'table lock', 'LOCK TABLE public.users IN SHARE ROW EXCLUSIVE MODE'),
  (2, 'public.artworks_v2', 'table lock', 'LOCK TABLE public.artworks_v2 IN SHARE ROW EXCLUSIVE MODE'),
  (
    3,
    'key artworks_v2_user_id_fkey',
    NULL,
    'ALTER TABLE public.artworks_v2 ADD CONSTRAINT artworks_v2_user_id_fkey'
    || ' FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL ON UPDATE CASCADE NOT VALID'
  )
) AS s (place, object, kind, statement)
WHERE
  NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS k
    WHERE k.conrelid = 'public.artworks_v2'::regclass AND k.conname = 'artworks_v2_user_id_fkey'
  )
ORDER BY s.place

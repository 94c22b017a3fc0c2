-- What: validates the foreign key to users, if that was not done yet.
-- Why: the validation reads the whole table, which must not happen under the lock that adds the key.
-- Inverse: none; a validated key is right before and after.
-- Locks: SHARE UPDATE EXCLUSIVE on public.artworks_v2, ROW SHARE on public.users: nobody waits.
-- Stage: after
SELECT
  'key artworks_v2_user_id_fkey validated' AS object,
  'ALTER TABLE public.artworks_v2 VALIDATE CONSTRAINT artworks_v2_user_id_fkey' AS "do"
FROM pg_catalog.pg_constraint AS k
WHERE k.conrelid = 'public.artworks_v2'::regclass AND k.conname = 'artworks_v2_user_id_fkey' AND NOT k.convalidated

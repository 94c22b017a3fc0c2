-- What: artworks that get an owner by e-mail: how many a registered user gains, and in how many the owner would change.
-- Why: law 8: a signed-in user may come to see the rows of their own e-mail that had no owner; that is counted here and accepted with the
--   plan. A legacy owner is always kept, so user_changed is 0 unless the mapping is wrong.
-- Locks: ACCESS SHARE on public.artworks and public.users.
SELECT
  COUNT(*) FILTER (WHERE l.legacy_user_id IS NULL AND l.email_user_id IS NOT NULL) AS user_gained,
  COUNT(*) FILTER (WHERE l.legacy_user_id IS NOT NULL AND l.user_id IS DISTINCT FROM l.legacy_user_id) AS user_changed
FROM legacy_artwork AS l
WHERE l.disposition = 'eligible'

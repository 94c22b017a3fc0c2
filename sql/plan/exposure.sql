-- What: artworks that get an owner by e-mail: how many a user gains who is there already, how many such users, and in how many the owner
--   would change.
-- Why: law 8: a signed-in user may come to see the rows of their own e-mail that had no owner; that is counted here and accepted by a
--   decision. A legacy owner is always kept, so user_changed is 0 unless the mapping is wrong. Two branches, each with a condition that
--   lets the planner leave out most rows: asked in one, every row would be given its disposition.
-- Locks: ACCESS SHARE on public.artworks and public.users.
SELECT
  COUNT(*) FILTER (WHERE e.kind = 'user_gained') AS user_gained,
  COUNT(DISTINCT e.user_id) FILTER (WHERE e.kind = 'user_gained') AS users_gaining,
  COUNT(*) FILTER (WHERE e.kind = 'user_changed') AS user_changed,
  COUNT(DISTINCT e.user_id) FILTER (WHERE e.kind = 'user_changed') AS users_changed
FROM (
  SELECT
    'user_gained' AS kind,
    l.email_user_id AS user_id
  FROM legacy_artwork AS l
  WHERE l.email_user_id IS NOT NULL AND l.legacy_user_id IS NULL AND l.disposition = 'eligible'
  UNION ALL
  SELECT
    'user_changed' AS kind,
    l.user_id
  FROM legacy_artwork AS l
  WHERE l.legacy_user_id IS NOT NULL AND l.user_id <> l.legacy_user_id AND l.disposition = 'eligible'
) AS e

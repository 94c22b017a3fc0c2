-- What: artworks to be migrated whose user_id is another user than the user of their e-mail.
-- Why: the owner is kept, so the artwork belongs to another person than its e-mail says. COALESCE keeps the planner from expecting a
--   handful of rows and choosing a nested loop over the whole table.
-- Locks: ACCESS SHARE on public.artworks and public.users.
SELECT
  l.id,
  ARRAY['user_id'] AS about
FROM artwork_migration.legacy_artwork AS l
WHERE
  COALESCE(l.legacy_user_id IS NOT NULL AND l.legacy_user_id IS DISTINCT FROM l.email_user_id AND l.disposition = 'eligible', FALSE);

-- Checked:
SELECT COUNT(*) FROM public.artworks

-- What: artworks with a picture that stay behind, or are migrated as unfinished, if they are more than is accepted.
-- Why: the plan counted what existed then. See deploy_schema/49_left_behind.
-- Locks: ACCESS SHARE on public.artworks and public.users.
SELECT
  b.id,
  ARRAY[b.reason] AS about
FROM artwork_migration.left_behind AS b;

-- Checked:
SELECT COUNT(*) FROM public.artworks

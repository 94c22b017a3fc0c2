-- What: clean artworks without a user, except those in transit: their id is in the log or in rejected_write.
-- Why: each artwork belongs to a customer; user_id may be NULL only because deleting a user must still work. Row and log are read in one
--   snapshot, so writes of the application do not make this rule red.
-- Locks: ACCESS SHARE on public.artworks_v2 and public.users.
SELECT
  c.id,
  ARRAY['user_id'] AS about
FROM public.artworks_v2 AS c
LEFT JOIN public.users AS u ON c.user_id = u.id
WHERE
  u.id IS NULL
  AND NOT EXISTS (
    SELECT FROM artwork_migration.legacy_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id) WHERE x.id = c.id
  )
  AND NOT EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = c.id);

-- Checked:
SELECT COUNT(*) FROM public.artworks_v2

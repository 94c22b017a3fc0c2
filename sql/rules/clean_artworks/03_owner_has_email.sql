-- What: clean artworks whose legacy row names no owner and whose user has another e-mail than they have; except those in transit (in the
--   log or in rejected_write) and those that the clean side has modified, whose owner is its own.
-- Why: the owner was found by the e-mail, or there is none where no users are created; a wrong owner would see a customer's pictures. The
--   rule reads the bare tables, because the mapping view would repeat a mistake of its own. Of the view it reads only the legacy owner, a
--   column that not every deployment has.
-- Locks: ACCESS SHARE on public.artworks, public.artworks_v2 and public.users.
SELECT
  c.id,
  ARRAY['user_id'] AS about
FROM public.artworks_v2 AS c
INNER JOIN artwork_migration.legacy_artwork AS l ON c.id = l.id
LEFT JOIN artwork_migration.users AS u ON c.user_id = u.id
WHERE
  c.user_id IS NOT NULL
  AND l.legacy_user_id IS NULL
  AND u.email IS DISTINCT FROM c.customer_email
  AND NOT EXISTS (SELECT FROM artwork_migration.pending_artwork AS p WHERE p.id = c.id)
  AND NOT EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = c.id)
  AND NOT EXISTS (SELECT FROM artwork_migration.clean_modified AS t WHERE t.id = c.id);

-- Checked:
SELECT COUNT(*) FROM public.artworks_v2

-- What: clean artworks without a user, except those in transit: their id is in the log or in rejected_write. Where no users are created,
--   only those whose legacy row has an owner.
-- Why: each artwork belongs to a customer; user_id may be NULL only because deleting a user must still work. Row and log are read in one
--   snapshot, so writes of the application do not make this rule red. Where no users are created, a customer without an account has no
--   row in the table that owns artworks; that an owner exists there is what the key says (constraints_in_place).
-- Locks: ACCESS SHARE on public.artworks, public.artworks_v2 and public.users.
SELECT
  c.id,
  ARRAY['user_id'] AS about
FROM public.artworks_v2 AS c
LEFT JOIN artwork_migration.users AS u ON c.user_id = u.id
WHERE
  u.id IS NULL
  AND (
    (SELECT t.creates_users FROM artwork_migration.owner_table AS t)
    OR (
      c.user_id IS NULL
      AND EXISTS (SELECT FROM artwork_migration.legacy_artwork AS l WHERE l.id = c.id AND l.legacy_user_id IS NOT NULL)
    )
  )
  AND NOT EXISTS (SELECT FROM artwork_migration.pending_artwork AS p WHERE p.id = c.id)
  AND NOT EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = c.id);

-- Checked:
SELECT COUNT(*) FROM public.artworks_v2

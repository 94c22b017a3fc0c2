-- What: users that the migration has created and whose e-mail is missing or blank.
-- Why: a user represents a customer by the e-mail; all artworks without an e-mail would belong to the same user.
-- Locks: ACCESS SHARE on public.users.
SELECT
  u.id,
  ARRAY['email'] AS about
FROM artwork_migration.created_user AS c
INNER JOIN public.users AS u ON c.id = u.id
WHERE COALESCE(BTRIM(u.email, E' \t\r\n'), '') = '';

-- Checked:
SELECT COUNT(*)
FROM artwork_migration.created_user AS c
INNER JOIN public.users AS u ON c.id = u.id

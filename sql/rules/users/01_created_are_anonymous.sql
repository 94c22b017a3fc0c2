-- What: users that the migration has created and that are not marked as anonymous.
-- Why: no person has registered with them; a user that looks registered may be taken for a person with an account.
-- Locks: ACCESS SHARE on public.users.
SELECT
  u.id,
  ARRAY['is_anonymous'] AS about
FROM artwork_migration.created_user AS c
INNER JOIN public.users AS u ON c.id = u.id
WHERE u.is_anonymous IS NOT TRUE;

-- Checked:
SELECT COUNT(*)
FROM artwork_migration.created_user AS c
INNER JOIN public.users AS u ON c.id = u.id

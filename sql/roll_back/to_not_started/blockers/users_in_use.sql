-- What: users in a table that deploy-schema created, which migrate-data did not create or which have been claimed.
-- Why: dropping the table would delete them.
-- Locks: ACCESS SHARE on public.users.
-- Users: created
-- Remedy: Copy them to another table, delete them from public.users, then plan again.
SELECT
  'table public.users' AS subject,
  FORMAT('%s users in it were not created by the migration, or have been claimed.', COUNT(*)) AS problem
FROM public.users AS u
WHERE
  NOT (u.is_anonymous)
  AND EXISTS (
    SELECT FROM artwork_migration.phase_history AS h
    INNER JOIN artwork_migration.plan AS p ON h.plan = p.number
    WHERE h.phase_after = 'DEPLOYED' AND JSONB_PATH_EXISTS(p.content, '$.statements[*] ? (@.object == "public.users" && @.undo != null)')
  )
HAVING COUNT(*) > 0

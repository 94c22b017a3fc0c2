-- What: users in a table that deploy_schema created, but that migrate_data did not put there or that somebody has claimed.
-- Why: the table would go with them.
-- Locks: ACCESS SHARE on public.users.
-- Remedy: Keep a copy of them and delete them from public.users, then plan again.
SELECT
  'table public.users' AS subject,
  FORMAT('%s users in it are not ours (signed up, or claimed).', COUNT(*)) AS problem
FROM public.users AS u
WHERE
  NOT (u.is_anonymous)
  AND EXISTS (
    SELECT FROM artwork_migration.phase_history AS h
    INNER JOIN artwork_migration.plan AS p ON h.plan = p.number
    WHERE h.phase_after = 'DEPLOYED' AND JSONB_PATH_EXISTS(p.content, '$.statements[*] ? (@.object == "public.users" && @.undo != null)')
  )
HAVING COUNT(*) > 0

-- What: ways in which a role that neither owns users nor bypasses row level security reads or changes users of others, or chooses its own
--   e-mail, without a decision that accepts it.
-- Why: law 8. The plan has asked the same; grants and policies may have changed since.
-- Locks: ACCESS SHARE on public.users.
SELECT DISTINCT
  NULL::uuid AS id,
  ARRAY[CONCAT_WS(' ', w.role, w.privilege, CASE WHEN w.email THEN 'email' END, NULLIF(w.via, ''))] AS about
FROM artwork_migration.users_access() AS w
WHERE NOT w.accepted;

-- Checked:
SELECT COUNT(*) FROM pg_catalog.pg_roles

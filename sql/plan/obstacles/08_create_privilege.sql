-- What: the connected role may not create what the migration creates.
-- Why: the ledger is a schema of its own, the clean table stands in public.
-- Locks: none.
-- Remedy: GRANT CREATE on it to this role.
SELECT
  o.subject,
  FORMAT('role %s has no CREATE privilege on it.', CURRENT_USER) AS problem
FROM (
  VALUES
  ('database ' || CURRENT_DATABASE(), HAS_DATABASE_PRIVILEGE(CURRENT_DATABASE(), 'CREATE')),
  ('schema public', HAS_SCHEMA_PRIVILEGE('public', 'CREATE'))
) AS o (subject, allowed)
WHERE NOT o.allowed

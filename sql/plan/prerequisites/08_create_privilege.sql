-- What: a role cannot create what the migration creates: the connected role, or the owner of the legacy table, who will own the clean
--   table.
-- Why: the ledger is a schema of its own. The clean table is in the schema public.
-- Locks: none.
-- Remedy: GRANT CREATE on the database or the schema to this role.
SELECT
  o.subject,
  FORMAT('role %s has no CREATE privilege on it.', o.role) AS problem
FROM (
  VALUES
  ('database ' || CURRENT_DATABASE(), CURRENT_USER, HAS_DATABASE_PRIVILEGE(CURRENT_DATABASE(), 'CREATE')),
  ('schema public', CURRENT_USER, HAS_SCHEMA_PRIVILEGE('public', 'CREATE'))
  UNION ALL
  SELECT
    'schema public' AS subject,
    r.rolname AS role,
    HAS_SCHEMA_PRIVILEGE(r.oid, 'public', 'CREATE') AS allowed
  FROM pg_catalog.pg_class AS c
  INNER JOIN pg_catalog.pg_roles AS r ON c.relowner = r.oid
  WHERE
    c.oid = TO_REGCLASS('public.artworks') AND r.rolname <> CURRENT_USER
    -- a superuser can give a table to any role; a role that is not a member of the owner is reported by not_owner
    AND PG_HAS_ROLE(r.oid, 'USAGE') AND NOT (SELECT me.rolsuper FROM pg_catalog.pg_roles AS me WHERE me.rolname = CURRENT_USER)
) AS o (subject, role, allowed)
WHERE NOT o.allowed

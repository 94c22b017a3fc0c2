-- What: the connected role has no USAGE privilege on the schema public, or on a schema called artwork_migration.
-- Why: every check after this one names objects in them.
-- Locks: none.
-- Remedy: Connect as the owner of artworks, or grant this role the privilege.
SELECT
  'schema ' || n.nspname AS subject,
  FORMAT('role %s has no USAGE privilege on it.', CURRENT_USER) AS problem,
  FORMAT('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, CURRENT_USER) AS statement
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname IN ('public', 'artwork_migration') AND NOT HAS_SCHEMA_PRIVILEGE(n.oid, 'USAGE')
ORDER BY n.nspname

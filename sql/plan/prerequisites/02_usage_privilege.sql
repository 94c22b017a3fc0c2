-- What: the connected role has no USAGE privilege on the schema public.
-- Why: every check after this one names a table in that schema.
-- Locks: none.
-- Remedy: Connect as the owner of artworks, or GRANT USAGE on the schema to this role.
SELECT
  'schema public' AS subject,
  FORMAT('role %s has no USAGE privilege on it.', CURRENT_USER) AS problem
WHERE NOT HAS_SCHEMA_PRIVILEGE(TO_REGNAMESPACE('public')::oid, 'USAGE')

-- What: the connected role may not look into the schema public.
-- Why: every question after this one names a table there.
-- Locks: none.
-- Remedy: Connect as the owner of artworks, or GRANT USAGE on the schema to this role.
SELECT
  'schema public' AS subject,
  FORMAT('role %s has no USAGE privilege on it.', CURRENT_USER) AS problem
WHERE NOT HAS_SCHEMA_PRIVILEGE(TO_REGNAMESPACE('public')::oid, 'USAGE')

-- What: a row level security policy of the legacy table uses a schema on which the connected role has no USAGE privilege.
-- Why: the policy is created again on the clean table, and this role could not name the objects in it.
-- Locks: none.
-- Remedy: GRANT USAGE on the schema to this role.
SELECT DISTINCT
  FORMAT('schema %I', n.nspname) AS subject,
  FORMAT('role %s has no USAGE privilege on it, and a policy of artworks uses it.', CURRENT_USER) AS problem
FROM pg_catalog.pg_policy AS p
INNER JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_proc AS f ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid
LEFT JOIN pg_catalog.pg_class AS c ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = COALESCE(f.pronamespace, c.relnamespace)
WHERE p.polrelid = TO_REGCLASS('public.artworks') AND NOT HAS_SCHEMA_PRIVILEGE(n.oid, 'USAGE')
ORDER BY 1

-- What: a role that is to call the lifecycle functions does not exist.
-- Why: nobody could use the clean side, or a typing error would go unseen.
-- Locks: none.
-- Remedy: Create the role, or name the application's roles with decide function_roles.
SELECT
  'role ' || r.role AS subject,
  'there is no such role.' AS problem
FROM UNNEST(CAST(:function_roles AS text[])) AS r (role)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS p WHERE p.rolname = r.role)
ORDER BY 1

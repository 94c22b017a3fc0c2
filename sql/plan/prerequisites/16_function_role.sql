-- What: a role that will call the life-cycle functions does not exist.
-- Why: no role could use the clean table, or a typing error would stay unnoticed.
-- Locks: none.
-- Remedy: Create the role, or set the application's roles with decide function_roles.
SELECT
  'role ' || r.role AS subject,
  'it does not exist.' AS problem
FROM UNNEST(CAST(:function_roles AS text[])) AS r (role)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS p WHERE p.rolname = r.role)
ORDER BY 1

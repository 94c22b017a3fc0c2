-- What: a role that neither owns users nor bypasses row level security can read or change users of others, and no decision accepts it.
-- Why: law 8: after migrate_data the table has the e-mail of every customer, and the user of an e-mail owns its artworks. The ways are
--   those of users_access.sql, as they were evaluated (:users_access). Checked before deploy_schema and before switch_over.
-- Locks: none.
-- Users: created
-- Remedy: Enable row level security on users (then a policy must give each person the own row), revoke the privileges from these roles, or
--   correct the policies. Decide only if every one of these roles is one of your own servers.
WITH way AS (
  SELECT DISTINCT
    o.role,
    o.privilege,
    o.via,
    o.accepted
  FROM JSONB_TO_RECORDSET(CAST(:users_access AS jsonb)) AS o (role text, privilege text, email boolean, via text, accepted boolean)
  WHERE NOT o.email
),

by_role AS (
  SELECT
    w.role,
    BOOL_AND(w.accepted) AS accepted,
    BOOL_OR(w.via = '') AS unguarded,
    STRING_AGG(
      w.privilege || CASE WHEN w.via <> '' THEN FORMAT(' (%s)', w.via) ELSE '' END,
      ', ' ORDER BY w.privilege, w.via
    ) AS privileges
  FROM way AS w
  WHERE w.role = 'PUBLIC' OR NOT EXISTS (SELECT FROM way AS p WHERE p.role = 'PUBLIC' AND p.privilege = w.privilege AND p.via = w.via)
  GROUP BY w.role
)

SELECT
  'table public.users' AS subject,
  FORMAT(
    'row level security does not keep these roles from the rows of others: %s.',
    STRING_AGG(FORMAT('%s: %s', b.role, b.privileges), '; ' ORDER BY b.role)
  ) AS problem,
  CASE WHEN BOOL_AND(b.unguarded) THEN 'ALTER TABLE public.users ENABLE ROW LEVEL SECURITY' END AS statement,
  CASE WHEN NOT BOOL_AND(b.unguarded) THEN 'accept_users_access ' || STRING_AGG(b.role, ',' ORDER BY b.role) END AS decision
FROM by_role AS b
HAVING NOT BOOL_AND(b.accepted)

-- What: every way in which a role may read or write the table users, each with the question whether it leads to users of others. There is
--   one row for each role, privilege and policy that permits it, and for each view with the rights of its owner that shows e-mails.
-- Why: law 8: the table gets the e-mail of every customer, and who owns an e-mail's user owns its artworks. A policy is evaluated and not
--   read: with the `claims` of a person, for the row of somebody else. `otherwise` is the answer if that fails: policies that read
--   neither id nor e-mail cannot distinguish a person's own row. `email` asks whether a person may give the own row the e-mail of somebody
--   else. Left out are the owner, roles that bypass row level security, the roles that
--   call our functions, and what a role may do with every row of artworks too: it learns and gains nothing.
-- Locks: none; ACCESS SHARE on public.users when a question is asked.
-- Given: decision
WITH relation AS (
  SELECT
    u.oid,
    u.relowner,
    u.relrowsecurity,
    NOT a.relrowsecurity AS artworks_open
  FROM pg_catalog.pg_class AS u
  CROSS JOIN pg_catalog.pg_class AS a
  WHERE u.oid = TO_REGCLASS('public.users') AND a.oid = TO_REGCLASS('public.artworks')
),

role AS (
  SELECT
    0::oid AS oid,
    'public' AS name
  UNION ALL
  SELECT
    r.oid,
    r.rolname::text
  FROM pg_catalog.pg_roles AS r
  CROSS JOIN relation AS t
  WHERE
    NOT r.rolsuper AND NOT r.rolbypassrls AND NOT STARTS_WITH(r.rolname, 'pg_') AND NOT PG_HAS_ROLE(r.oid, t.relowner, 'USAGE')
    AND HAS_SCHEMA_PRIVILEGE(r.oid, 'public', 'USAGE')
    AND r.rolname <> ALL(
      STRING_TO_ARRAY(
        REPLACE(
          COALESCE(
            (SELECT d.value FROM artwork_migration.decision AS d WHERE d.name = 'function_roles' ORDER BY d.number DESC LIMIT 1),
            'service_role'
          ),
          ' ',
          ''
        ),
        ','
      )
    )
),

accepted AS (
  SELECT DISTINCT ON (d.name)
    d.name,
    STRING_TO_ARRAY(d.value, ',') AS roles
  FROM artwork_migration.decision AS d
  WHERE d.name IN ('accept_chosen_emails', 'accept_users_access')
  ORDER BY d.name, d.number DESC
),

way AS (
  SELECT
    t.oid AS relation,
    t.relrowsecurity,
    r.oid AS role,
    r.name,
    k.privilege,
    k.command,
    k.email
  FROM relation AS t
  CROSS JOIN role AS r
  CROSS JOIN (
    VALUES
    ('SELECT', 'r', FALSE), ('INSERT', 'a', FALSE), ('UPDATE', 'w', FALSE), ('DELETE', 'd', FALSE),
    ('INSERT', 'a', TRUE), ('UPDATE', 'w', TRUE)
  ) AS k (privilege, command, email)
  WHERE
    CASE
      WHEN k.email THEN t.relrowsecurity AND HAS_COLUMN_PRIVILEGE(r.name, t.oid, 'email', k.privilege)
      WHEN k.privilege = 'DELETE' THEN HAS_TABLE_PRIVILEGE(r.name, t.oid, 'DELETE')
      ELSE HAS_ANY_COLUMN_PRIVILEGE(r.name, t.oid, k.privilege)
    END
    AND NOT (
      t.artworks_open
      AND CASE
        WHEN k.privilege = 'SELECT' THEN HAS_COLUMN_PRIVILEGE(r.name, 'public.artworks', 'customer_email', 'SELECT')
        ELSE HAS_TABLE_PRIVILEGE(r.name, 'public.artworks', 'UPDATE')
      END
    )
),

policy AS (
  SELECT
    w.role,
    w.privilege,
    w.email,
    p.polname,
    p.polpermissive,
    FORMAT(
      '(%s)',
      REGEXP_REPLACE(
        CASE WHEN w.privilege = 'INSERT' OR w.email THEN COALESCE(c.new_row, c.old_row, 'TRUE') ELSE COALESCE(c.old_row, 'TRUE') END,
        '\m(CURRENT_USER|CURRENT_ROLE)\M',
        QUOTE_LITERAL(w.name) || '::name',
        'g'
      )
    ) AS condition,
    EXISTS(
      SELECT
      FROM pg_catalog.pg_depend AS d
      INNER JOIN pg_catalog.pg_attribute AS a ON d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
      WHERE
        d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refobjid = w.relation
        AND (a.attname = 'email' OR (a.attname = 'id' AND NOT w.email))
    ) AS distinguishes
  FROM way AS w
  INNER JOIN pg_catalog.pg_policy AS p
    ON
      w.relation = p.polrelid AND p.polcmd IN ('*', w.command)
      AND EXISTS (
        SELECT FROM UNNEST(p.polroles) AS g (oid) WHERE g.oid = 0 OR (w.role <> 0 AND PG_HAS_ROLE(w.role, g.oid, 'USAGE'))
      )
  CROSS JOIN
    LATERAL (
      SELECT
        PG_GET_EXPR(p.polqual, p.polrelid) AS old_row,
        PG_GET_EXPR(p.polwithcheck, p.polrelid) AS new_row
    ) AS c
)

SELECT
  CASE w.role WHEN 0 THEN 'PUBLIC' ELSE w.name END AS role,
  w.privilege,
  w.email,
  COALESCE('policy ' || QUOTE_IDENT(p.polname), '') AS via,
  EXISTS(
    SELECT FROM accepted AS a
    WHERE a.name = CASE WHEN w.email THEN 'accept_chosen_emails' ELSE 'accept_users_access' END AND a.roles && ARRAY['PUBLIC', w.name]
  ) AS accepted,
  JSONB_BUILD_OBJECT(
    'sub', CASE WHEN w.name <> 'anon' THEN i.person END, 'role', w.name, 'aud', w.name, 'email', 'person@artwork-migration.invalid'
  )::text AS claims,
  FORMAT(
    $question$SELECT EXISTS (
  SELECT FROM (
    SELECT p.* FROM JSONB_POPULATE_RECORD(NULL::public.users, '{"id": "%s", "email": "other@artwork-migration.invalid"}') AS p%s
  ) AS users
  WHERE %s
)$question$,
    CASE WHEN w.email THEN i.person ELSE i.other END,
    CASE
      WHEN NOT w.email AND w.privilege <> 'INSERT'
        THEN FORMAT(' UNION ALL (SELECT u.* FROM public.users AS u WHERE u.id <> %L LIMIT 1000)', i.person)
      ELSE ''
    END,
    CONCAT_WS(
      ' AND ',
      COALESCE(p.condition, 'TRUE'),
      (
        SELECT STRING_AGG(r.condition, ' AND ')
        FROM policy AS r
        WHERE r.role = w.role AND r.privilege = w.privilege AND r.email = w.email AND NOT r.polpermissive
      )
    )
  ) AS question,
  COALESCE(NOT p.distinguishes, TRUE) AS otherwise
FROM way AS w
LEFT JOIN policy AS p ON w.relrowsecurity AND w.role = p.role AND w.privilege = p.privilege AND w.email = p.email AND p.polpermissive
CROSS JOIN (
  SELECT
    COALESCE((SELECT u.id FROM public.users AS u ORDER BY u.id LIMIT 1)::text, '8a0f6f0e-6f4b-4c0e-9d55-0c9a7f6d0a01') AS person,
    '8a0f6f0e-6f4b-4c0e-9d55-0c9a7f6d0a02' AS other
) AS i
WHERE p.polname IS NOT NULL OR NOT w.relrowsecurity
UNION ALL
SELECT
  CASE r.oid WHEN 0 THEN 'PUBLIC' ELSE r.name END,
  'SELECT',
  FALSE,
  'view ' || v.oid::regclass,
  EXISTS(SELECT FROM accepted AS a WHERE a.name = 'accept_users_access' AND a.roles && ARRAY['PUBLIC', r.name]),
  JSONB_BUILD_OBJECT('sub', '8a0f6f0e-6f4b-4c0e-9d55-0c9a7f6d0a02', 'role', r.name, 'aud', r.name)::text,
  FORMAT('SELECT EXISTS (SELECT FROM %s)', v.oid::regclass),
  TRUE
FROM relation AS t
INNER JOIN pg_catalog.pg_attribute AS e ON t.oid = e.attrelid AND e.attname = 'email'
INNER JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid AND e.attnum = d.refobjsubid
INNER JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
INNER JOIN pg_catalog.pg_class AS v ON w.ev_class = v.oid
CROSS JOIN role AS r
WHERE
  v.relkind IN ('v', 'm') AND v.relnamespace <> COALESCE(TO_REGNAMESPACE('artwork_migration')::oid, 0::oid)
  AND NOT COALESCE(v.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], FALSE)
  AND HAS_ANY_COLUMN_PRIVILEGE(r.name, v.oid, 'SELECT')
  AND NOT (t.artworks_open AND HAS_COLUMN_PRIVILEGE(r.name, 'public.artworks', 'customer_email', 'SELECT'))
GROUP BY r.oid, r.name, v.oid
ORDER BY 1, 2, 3, 4

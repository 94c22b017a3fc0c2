-- What: creates `users` where users are created and there is no such table, accessible to its owner and the application's roles only.
-- Why: clean artworks belong to users by e-mail. Default privileges may grant a new table to every role, which would expose the e-mails.
-- Inverse: in the rows.
-- Locks: none; the table is new.
-- Stage: prepare
SELECT
  'public.users' AS object,
  FORMAT(
    $do$CREATE TABLE public.users (
  id uuid DEFAULT GEN_RANDOM_UUID() CONSTRAINT users_pkey PRIMARY KEY,
  email text NOT NULL CONSTRAINT users_email_key UNIQUE,
  is_anonymous boolean NOT NULL DEFAULT FALSE,
  created_at timestamptz NOT NULL DEFAULT NOW(),
  updated_at timestamptz NOT NULL DEFAULT NOW()
);
ALTER TABLE public.users OWNER TO %I;
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY$do$,
    PG_GET_USERBYID(c.relowner)
  ) AS "do",
  'DROP TABLE public.users' AS undo
FROM pg_catalog.pg_class AS c
WHERE c.oid = 'public.artworks'::regclass AND TO_REGCLASS('public.users') IS NULL AND CAST(:creates_users AS boolean)
UNION ALL
SELECT
  'public.users' AS object,
  'SELECT artwork_migration.revoke_from_all(''TABLE'', ''public.users'')' AS "do",
  NULL AS undo
WHERE TO_REGCLASS('public.users') IS NULL AND CAST(:creates_users AS boolean)
UNION ALL
SELECT
  'public.users' AS object,
  FORMAT('GRANT SELECT, INSERT, UPDATE, DELETE ON public.users TO %I', r.role) AS "do",
  NULL AS undo
FROM UNNEST(CAST(:function_roles AS text[])) AS r (role)
WHERE TO_REGCLASS('public.users') IS NULL AND CAST(:creates_users AS boolean)

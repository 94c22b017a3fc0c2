-- What: the table users owns artworks, but they cannot reference it, or an anonymous user cannot be inserted by e-mail.
-- Why: the key of the clean table requires a unique id. Where users are created every customer's e-mail gets one: INSERT … ON CONFLICT
--   (email) requires the unique key, and the other columns require defaults.
-- Locks: none.
-- Remedy: Give users the columns id uuid with a default and email text. Both must be unique (not deferrable). Its other NOT
--   NULL columns must have defaults. email and is_anonymous must not be generated. A key of id that was added since deploy-schema must be
--   dropped until the clean-up.
SELECT
  o.subject,
  o.problem
FROM (
  SELECT
    1 AS place,
    'public.users.' || w.name AS subject,
    'the column is missing or its type is not ' || w.type || '.' AS problem
  FROM (VALUES ('id', 'uuid'), ('email', 'text')) AS w (name, type)
  WHERE
    NOT EXISTS (
      SELECT FROM pg_catalog.pg_attribute AS a
      WHERE
        a.attrelid = TO_REGCLASS('public.users') AND a.attname = w.name AND NOT a.attisdropped
        AND (a.atttypid = w.type::regtype OR (w.type = 'text' AND a.atttypid = 'varchar'::regtype))
    )
  UNION ALL
  SELECT
    2 AS place,
    'public.users.' || w.name AS subject,
    'it has no unique key on this column alone.' AS problem
  FROM (VALUES ('id'), ('email')) AS w (name)
  INNER JOIN pg_catalog.pg_attribute AS a ON w.name = a.attname AND a.attrelid = TO_REGCLASS('public.users') AND NOT a.attisdropped
  WHERE
    NOT EXISTS (
      SELECT
      FROM pg_catalog.pg_index AS i
      WHERE
        i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts = 1
        AND i.indpred IS NULL
    )
  UNION ALL
  SELECT
    3 AS place,
    'public.users.' || a.attname AS subject,
    'it is NOT NULL without a default, so no anonymous user can be created.' AS problem
  FROM pg_catalog.pg_attribute AS a
  WHERE
    a.attrelid = TO_REGCLASS('public.users') AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef
    AND a.attidentity = '' AND a.attname <> 'email'
  UNION ALL
  SELECT
    3 AS place,
    'public.users.' || a.attname AS subject,
    'its values are generated, so no anonymous user can be created.' AS problem
  FROM pg_catalog.pg_attribute AS a
  WHERE
    a.attrelid = TO_REGCLASS('public.users') AND NOT a.attisdropped AND a.attname IN ('email', 'is_anonymous')
    AND (a.attgenerated <> '' OR a.attidentity = 'a')
  UNION ALL
  SELECT
    4 AS place,
    'public.users.id' AS subject,
    FORMAT('it references %s since deploy-schema, so no anonymous user can be created.', k.confrelid::regclass) AS problem
  FROM pg_catalog.pg_constraint AS k
  INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND a.attnum = ANY(k.conkey)
  WHERE k.contype = 'f' AND k.conrelid = TO_REGCLASS('public.users') AND a.attname = 'id'
) AS o
WHERE
  TO_REGCLASS('public.users') IS NOT NULL AND CAST(:owner_relation AS text) = 'public.users'
  AND (CAST(:creates_users AS boolean) OR (o.subject = 'public.users.id' AND o.place < 3))
ORDER BY o.place, o.subject

-- The facts that plans show, and what they read from the catalog.

-- name: identity
-- What: the identity of this database.
-- Why: a plan is for one database; its number must not be valid in another one of the same name.
-- Locks: none.
SELECT
  CURRENT_DATABASE() AS database,
  s.system_identifier::text AS system_identifier,
  CURRENT_SETTING('server_version') AS version,
  CURRENT_USER AS role
FROM PG_CONTROL_SYSTEM() AS s;

-- name: stored_owner_table
-- What: the table that owns artworks, as the deployment has stored it.
-- Why: triggers and functions were made for it; a key that somebody adds later changes nothing about them.
-- Locks: none.
SELECT
  t.relation,
  t.column_name,
  t.creates_users,
  t.on_update
FROM artwork_migration.owner_table AS t;

-- name: settings
-- What: the settings that limit how much the migration can write, as an operator reads them.
-- Why: free disk space is not visible from SQL; these limits are.
-- Locks: none.
SELECT
  s.name,
  CASE WHEN s.setting = '-1' THEN 'no limit' ELSE CURRENT_SETTING(s.name) END AS value
FROM pg_catalog.pg_settings AS s
WHERE s.name IN ('wal_level', 'max_wal_size', 'max_slot_wal_keep_size', 'temp_file_limit')
ORDER BY s.name;

-- name: sample
-- What: the percentage of the legacy table's blocks that makes a sample of :blocks blocks, 100 if the table has no more, and about how many
--   rows it has.
-- Why: informational counts use a sample of one size, so a plan takes the same time for a table of any size.
-- Locks: none.
SELECT
  LEAST(
    100,
    CEIL(100000.0 * :blocks / GREATEST(1, PG_RELATION_SIZE('public.artworks') / CURRENT_SETTING('block_size')::int)) / 1000
  )::float8 AS percent,
  (SELECT GREATEST(0, c.reltuples)::bigint FROM pg_catalog.pg_class AS c WHERE c.oid = 'public.artworks'::regclass) AS rows_by_statistics;

-- name: dispositions
-- What: how many legacy rows each disposition has.
-- Why: the operator knows which rows are not migrated before anything is created.
-- Locks: ACCESS SHARE on public.artworks.
-- Given: legacy_artwork
SELECT
  COALESCE('quarantined: ' || CASE WHEN l.disposition = 'eligible' THEN l.defect END, l.disposition) AS disposition,
  COUNT(*) AS row_count
FROM artwork_migration.legacy_artwork AS l
GROUP BY 1
ORDER BY 2 DESC, 1;

-- name: exposure
-- What: artworks that get an owner by e-mail: how many an existing user gains, how many such users there are, and how many artworks change
--   their owner.
-- Why: law 8: a signed-in user may be able to see rows of their own e-mail that had no owner; this counts them, and a decision accepts
--   them. A legacy owner is always kept, so user_changed is 0 unless the mapping is wrong. There are two branches with one condition each,
--   because in a single query every row would get its disposition computed.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Given: legacy_artwork
SELECT
  COUNT(*) FILTER (WHERE e.kind = 'user_gained') AS user_gained,
  COUNT(DISTINCT e.user_id) FILTER (WHERE e.kind = 'user_gained') AS users_gaining,
  COUNT(*) FILTER (WHERE e.kind = 'user_changed') AS user_changed,
  COUNT(DISTINCT e.user_id) FILTER (WHERE e.kind = 'user_changed') AS users_changed
FROM (
  SELECT
    'user_gained' AS kind,
    l.email_user_id AS user_id
  FROM artwork_migration.legacy_artwork AS l
  WHERE l.email_user_id IS NOT NULL AND l.legacy_user_id IS NULL AND l.disposition = 'eligible'
  UNION ALL
  SELECT
    'user_changed' AS kind,
    l.user_id
  FROM artwork_migration.legacy_artwork AS l
  WHERE l.legacy_user_id IS NOT NULL AND l.user_id <> l.legacy_user_id AND l.disposition = 'eligible'
) AS e;

-- name: users_to_create
-- What: how many anonymous users migrate_data will create: the e-mails of customers without a user.
-- Why: so often the triggers of the application on users fire.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Given: legacy_artwork
SELECT COUNT(DISTINCT l.customer_email) AS users_to_create
FROM artwork_migration.legacy_artwork AS l
WHERE l.needs_user;

-- name: refused_email
-- What: the query for the waiting e-mails that the table users will refuse, each with the object that refuses it: a unique index or a check
--   that reads no other column, or the length of the column.
-- Why: what can be known before the first user is created is counted, set-based, by the table's own expressions. Of several e-mails that an
--   index takes for one, an existing user's comes first, then the one in small letters. What a trigger does is tried
--   (migration/plans/users).
-- Locks: none; ACCESS SHARE on public.artworks and public.users when the query is run.
WITH users_column AS (
  SELECT
    a.attrelid,
    a.attnum,
    a.atttypmod
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = TO_REGCLASS('public.users') AND a.attname = 'email' AND NOT a.attisdropped
),

part AS (
  SELECT
    FORMAT(
      $index$SELECT %L AS object, k.email
FROM (
  SELECT
    w.email,
    w.waiting,
    ROW_NUMBER() OVER (PARTITION BY %s ORDER BY w.waiting, w.email <> LOWER(w.email), w.email) AS place
  FROM (
    SELECT DISTINCT l.customer_email AS email, TRUE AS waiting FROM legacy_artwork AS l WHERE l.needs_user
    UNION ALL SELECT u.email, FALSE FROM public.users AS u
  ) AS w
  WHERE %s
) AS k
WHERE k.waiting AND k.place > 1$index$,
      'index ' || i.indexrelid::regclass,
      (SELECT STRING_AGG(FORMAT('(%s)', PG_GET_INDEXDEF(i.indexrelid, n.n, TRUE)), ', ') FROM GENERATE_SERIES(1, i.indnkeyatts) AS n (n)),
      COALESCE(PG_GET_EXPR(i.indpred, i.indrelid), 'TRUE')
    ) AS question
  FROM users_column AS c
  INNER JOIN pg_catalog.pg_index AS i ON c.attrelid = i.indrelid
  WHERE
    i.indisunique AND i.indisvalid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS d
      WHERE
        d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
        AND d.refobjsubid NOT IN (0, c.attnum)
    )
  UNION ALL
  SELECT
    FORMAT(
      'SELECT %L AS object, w.email FROM (SELECT DISTINCT l.customer_email AS email FROM legacy_artwork AS l WHERE l.needs_user) AS w'
      ' WHERE NOT (%s)',
      'constraint ' || k.conname,
      PG_GET_EXPR(k.conbin, k.conrelid)
    )
  FROM users_column AS c
  INNER JOIN pg_catalog.pg_constraint AS k ON c.attrelid = k.conrelid AND k.conkey = ARRAY[c.attnum]
  WHERE k.contype = 'c'
  UNION ALL
  SELECT
    FORMAT(
      'SELECT ''column email'' AS object, w.email FROM (SELECT DISTINCT l.customer_email AS email FROM legacy_artwork AS l'
      ' WHERE l.needs_user) AS w WHERE CHAR_LENGTH(w.email) > %s',
      c.atttypmod - 4
    )
  FROM users_column AS c
  WHERE c.atttypmod > 4
)

SELECT COALESCE(STRING_AGG(p.question, E'\nUNION ALL\n'), 'SELECT NULL::text AS object, NULL::text AS email WHERE FALSE') AS question
FROM part AS p;

-- name: users_refused
-- What: how many waiting e-mails the table users will refuse, and how many artworks they have, by the object that refuses them. :small: the
--   trial has shown that it stores no capitals.
-- Why: these artworks go to quarantine (`no_user`), and an operator decides that before anything is created.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Given: legacy_artwork, refused_email
SELECT
  r.object,
  COUNT(DISTINCT r.email) AS emails,
  COUNT(*) AS artworks
FROM (
  SELECT DISTINCT ON (o.email)
    o.email,
    o.object
  FROM (
    SELECT
      e.object,
      e.email
    FROM artwork_migration.refused_email AS e
    UNION ALL
    SELECT
      'trigger that changes the e-mail',
      s.customer_email
    FROM artwork_migration.legacy_artwork AS s
    WHERE CAST(:small AS boolean) AND s.needs_user AND s.customer_email <> LOWER(s.customer_email)
  ) AS o
  ORDER BY o.email, o.object
) AS r
INNER JOIN artwork_migration.legacy_artwork AS l ON r.email = l.customer_email
WHERE l.disposition = 'eligible' AND l.defect IS NULL AND l.legacy_user_id IS NULL
GROUP BY r.object
ORDER BY r.object;

-- name: cannot_be_tried
-- What: the triggers of users that an insert fires and whose effect may survive a rollback: their function is not SQL or PL/pgSQL, or its
--   text names what acts outside the transaction.
-- Why: what cannot be tried is not tried. A function that such a function calls is not read.
-- Locks: none.
SELECT g.tgname::text AS name
FROM pg_catalog.pg_trigger AS g
INNER JOIN pg_catalog.pg_proc AS p ON g.tgfoid = p.oid
INNER JOIN pg_catalog.pg_language AS l ON p.prolang = l.oid
WHERE
  g.tgrelid = TO_REGCLASS('public.users') AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND g.tgtype & 4 = 4
  AND (
    l.lanname NOT IN ('sql', 'plpgsql')
    OR p.prosrc ~* '(dblink|http|\mnet\.|lambda|pg_background|lo_export|\mcopy\M|emit_message|pg_file_write|setval)'
  )
ORDER BY 1;

-- name: columns_not_carried
-- What: the legacy columns whose values are not migrated, even if the reverse mapping fills them, and one query that counts the values of
--   each in a sample of :percent.
-- Why: the operator knows what stays in the retired table before approving. One scan counts all columns, on the same sample each time.
-- Locks: ACCESS SHARE on public.artworks, when the query is run.
SELECT
  COALESCE(ARRAY_AGG(a.attname::text ORDER BY a.attnum), '{}') AS columns,
  FORMAT(
    'SELECT ARRAY[%s]::bigint[] AS counts FROM public.artworks AS a TABLESAMPLE SYSTEM (%s) REPEATABLE (1)',
    STRING_AGG(FORMAT('COUNT(a.%I)', a.attname), ', ' ORDER BY a.attnum),
    CAST(:percent AS float8)
  ) AS question
FROM pg_catalog.pg_attribute AS a
WHERE
  a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attname NOT IN (
    SELECT m.legacy_column
    FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text, on_update boolean)
    WHERE m.on_update OR m.clean_column = 'id'
  );

-- name: cannot_be_carried
-- What: those of :columns that cannot be carried over unchanged, each with the reason.
-- Why: a decision is refused when it is made, not when a plan uses it. Names of the mapping (:mapping), of the clean table and of the
--   mapping view are taken. Values of a type without equality cannot be compared.
-- Locks: none.
SELECT
  p.column_name,
  p.problem
FROM (
  SELECT
    c.name AS column_name,
    c.place,
    CASE
      WHEN a.attname IS NULL THEN 'artworks has no such column'
      WHEN a.attname ~ '[@#:]' THEN 'its name contains one of the signs @ # :'
      WHEN a.attgenerated <> '' OR a.attidentity <> '' THEN 'its values are generated by the database'
      WHEN
        t.typcategory = 'G' OR 'json'::regtype IN (t.oid, t.typelem, t.typbasetype) OR 'xml'::regtype IN (t.oid, t.typelem, t.typbasetype)
        THEN 'values of its type cannot be compared (json: make it jsonb)'
      WHEN
        a.attname IN (
          'generation_started_at', 'generation_completed_at', 'upscale_started_at', 'fal_request_id', 'generation_params', 'row_ctid',
          'legacy_user_id', 'email_user_id', 'needs_user', 'legacy_upscale_status', 'touched', 'disposition', 'defect', 'migratable',
          'clean', 'a', 'c'
        )
        OR EXISTS (
          SELECT FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text)
          WHERE a.attname IN (m.clean_column, m.legacy_column)
        )
        THEN
          CASE
            WHEN
              EXISTS (
                SELECT FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (legacy_column text) WHERE a.attname = m.legacy_column
              )
              THEN 'the mapping reads it already, and carries over what it says'
            ELSE 'the clean table or the mapping has a column of that name'
          END
    END AS problem
  FROM UNNEST(CAST(:columns AS text[])) WITH ORDINALITY AS c (name, place)
  LEFT JOIN pg_catalog.pg_attribute AS a
    ON c.name = a.attname AND a.attrelid = TO_REGCLASS('public.artworks') AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
) AS p
WHERE p.problem IS NOT NULL
ORDER BY p.place;

-- name: clean_types
-- What: the type that the clean column takes over from its legacy column, with its length or precision, its domain and its collation.
-- Why: a view cannot be recreated on a column of another type or collation, and what was too long for legacy would reach the clean table.
--   Our own texts must fit: a length has room for them, and a domain may refuse them.
-- Locks: none.
SELECT
  m.legacy_column,
  FORMAT_TYPE(a.atttypid, a.atttypmod)
  || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END AS type
FROM
  JSONB_TO_RECORDSET(CAST(:mapping AS jsonb))
    AS m (clean_column text, legacy_column text, data_type text, on_update boolean, carried boolean, unchanged boolean, room int)
INNER JOIN pg_catalog.pg_attribute AS a
  ON m.legacy_column = a.attname AND a.attrelid = TO_REGCLASS('public.artworks') AND NOT a.attisdropped
INNER JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
WHERE
  m.carried
  OR (
    m.on_update
    AND CASE
      WHEN t.typtype = 'd' THEN m.unchanged AND m.room = 0
      WHEN m.data_type = 'text' THEN a.atttypmod = -1 OR a.atttypmod - 4 >= m.room
      ELSE m.data_type = 'timestamptz'
    END
  );

-- name: legacy_rules
-- What: the rules of the legacy table that clean columns may have to keep: defaults, NOT NULL, checks. Each with the `statement`
--   that gives it to the clean table, if nothing hinders that, and the `action` as plans show it.
-- Why: the application relies on such rules, whichever table serves. A rule is carried over where the clean column always holds the
--   legacy value, so every row that is migrated keeps it. NOT NULL needs a value in every new clean row as well. A token is parked for a
--   moment while two rows swap theirs, so no check reads it.
-- Locks: none.
WITH mapped AS (
  SELECT
    a.attnum,
    a.attname,
    a.attnotnull,
    a.attgenerated,
    m.clean_column,
    m.carried IS TRUE AS carried,
    CASE WHEN m.carried THEN 'later' ELSE COALESCE(m.filled, 'later') END AS filled,
    COALESCE(m.carried OR (m.unchanged AND m.clean_column = a.attname), FALSE) AS same_value,
    PG_GET_EXPR(d.adbin, d.adrelid) AS default_value
  FROM pg_catalog.pg_attribute AS a
  LEFT JOIN
    JSONB_TO_RECORDSET(CAST(:mapping AS jsonb))
      AS m (clean_column text, legacy_column text, on_update boolean, carried boolean, unchanged boolean, filled text)
    ON a.attname = m.legacy_column AND (m.carried OR m.on_update OR m.clean_column = 'id')
  LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  WHERE a.attrelid = TO_REGCLASS('public.artworks') AND a.attnum > 0 AND NOT a.attisdropped
),

rule AS (
  SELECT
    1 AS place,
    FORMAT('default of column %I', m.attname) AS object,
    FORMAT('ALTER TABLE public.artworks_v2 ALTER COLUMN %I SET DEFAULT %s', m.clean_column, m.default_value) AS statement,
    CASE m.filled WHEN 'default' THEN 'the clean column has its own' END AS hinders
  FROM mapped AS m
  WHERE m.default_value IS NOT NULL AND m.clean_column IS NOT NULL AND m.attgenerated = ''
  UNION ALL
  SELECT
    2,
    FORMAT('NOT NULL of column %I', m.attname) || COALESCE(' (' || QUOTE_IDENT(k.conname) || ')', ''),
    FORMAT('ALTER TABLE public.artworks_v2 ALTER COLUMN %I SET NOT NULL', COALESCE(m.clean_column, m.attname)),
    CASE
      WHEN m.clean_column IS NULL THEN 'the clean table has no such column'
      WHEN m.attname = 'user_id' THEN '⚠ the clean column takes NULL, because deleting a user must work'
      WHEN m.filled <> 'later' AND NOT m.same_value THEN 'the clean column has its own'
      WHEN m.filled = 'later' AND m.default_value IS NULL THEN '⚠ the clean column takes NULL, because a new artwork comes without it'
      WHEN NOT k.convalidated THEN '⚠ it is NOT VALID, so rows may break it'
    END
  FROM mapped AS m
  LEFT JOIN pg_catalog.pg_constraint AS k
    ON k.conrelid = TO_REGCLASS('public.artworks') AND k.contype = 'n' AND k.conkey = ARRAY[m.attnum]
  WHERE m.attnotnull
  UNION ALL
  SELECT
    3,
    FORMAT('check %I', k.conname),
    FORMAT('ALTER TABLE public.artworks_v2 ADD CONSTRAINT %I %s', n.name, PG_GET_CONSTRAINTDEF(k.oid)),
    CASE
      WHEN k.conkey <@ ARRAY(SELECT m.attnum FROM mapped AS m WHERE m.filled = 'default' AND NOT m.same_value)
        THEN 'the clean column has a check of its own'
      WHEN
        NOT k.conkey <@ ARRAY(SELECT m.attnum FROM mapped AS m WHERE m.same_value AND m.attname <> 'access_token')
        THEN '⚠ it reads a column that the clean table does not have or that has other values there'
      WHEN 0 = ANY(k.conkey) OR k.conkey IS NULL OR PG_GET_CONSTRAINTDEF(k.oid) ~ '\martworks\M'
        THEN '⚠ it does not read single columns'
      WHEN NOT k.convalidated THEN '⚠ it is NOT VALID, so rows may break it'
    END
  FROM pg_catalog.pg_constraint AS k
  CROSS JOIN
    LATERAL (
      SELECT
        CASE
          WHEN NOT STARTS_WITH(k.conname, 'artworks_') THEN k.conname
          WHEN OCTET_LENGTH(k.conname) > 60 OR k.conname IN ('artworks_generation_status_check', 'artworks_upscale_status_check')
            THEN 'artworks_v2_' || MD5(k.conname)
          ELSE 'artworks_v2' || SUBSTRING(k.conname FROM LENGTH('artworks') + 1)
        END AS name
    ) AS n
  WHERE k.conrelid = TO_REGCLASS('public.artworks') AND k.contype = 'c'
)

SELECT
  r.place,
  r.object,
  CASE WHEN r.hinders IS NULL THEN r.statement END AS statement,
  COALESCE('stays with the retired table; ' || r.hinders, 'the clean table gets it at deploy-schema') AS action
FROM rule AS r
ORDER BY r.place, r.object;

-- name: outside_the_transaction
-- What: the first trigger of artworks or users that may act outside the transaction: in a language other than SQL and PL/pgSQL, or with a
--   function that calls another server at once. What an extension brings, and pg_net, take part in the transaction.
-- Why: the trial of a deployment fires the application's triggers and is rolled back; what they did elsewhere would stay.
-- Locks: none.
SELECT FORMAT('trigger %I on %s', g.tgname, g.tgrelid::regclass) AS trigger
FROM pg_catalog.pg_trigger AS g
INNER JOIN pg_catalog.pg_proc AS f ON g.tgfoid = f.oid
INNER JOIN pg_catalog.pg_language AS l ON f.prolang = l.oid
WHERE
  g.tgrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.users')) AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e'
  )
  AND (
    l.lanname NOT IN ('sql', 'plpgsql', 'internal')
    OR REGEXP_REPLACE(f.prosrc, '\mnet\.http_', '', 'gi')
    ~* '\m(dblink\w*|http_(get|post|put|patch|delete|head)|pg_background_launch|program)\M'
  )
ORDER BY g.tgname
LIMIT 1;

-- name: one_life
-- What: creates an artwork of a new user in the clean table, as create_artwork does (without an owner where no users are created), and
--   brings it through the stages in artwork_migration.stages (JSON, set for this transaction), until the legacy table rejects it.
-- Why: the write-through brings each stage to the legacy table, with its checks, keys and triggers. Run it in a transaction that is rolled
--   back.
-- Locks: what one INSERT into users and one into artworks lock.
DO $$
DECLARE
  artwork_id uuid := GEN_RANDOM_UUID();
  owner_id uuid;
  stage jsonb;
BEGIN
  DELETE FROM artwork_migration.rejected_write;
  IF (SELECT t.creates_users FROM artwork_migration.owner_table AS t) THEN
    INSERT INTO public.users (email) VALUES ('acceptance@artwork-migration.invalid') ON CONFLICT DO NOTHING;
    SELECT u.id INTO owner_id FROM public.users AS u WHERE u.email = 'acceptance@artwork-migration.invalid';
  END IF;
  INSERT INTO public.artworks_v2 (
    id, user_id, customer_name, customer_email, pet_name, pet_mom_image_url, pet_image_url, access_token, token_expires_at
  )
  VALUES (
    artwork_id, owner_id, 'Acceptance', 'acceptance@artwork-migration.invalid', 'Test', 'https://a.invalid/1', 'https://a.invalid/2',
    REPLACE(GEN_RANDOM_UUID()::text || GEN_RANDOM_UUID()::text, '-', ''), NOW() + interval '30 days'
  );
  FOR stage IN SELECT s.value FROM JSONB_ARRAY_ELEMENTS(CURRENT_SETTING('artwork_migration.stages')::jsonb) AS s LOOP
    EXIT WHEN EXISTS (SELECT FROM artwork_migration.rejected_write);
    UPDATE public.artworks_v2 AS a
    SET
      generation_status = COALESCE(stage ->> 'generation_status', a.generation_status),
      generated_image_url = COALESCE(stage ->> 'generated_image_url', a.generated_image_url),
      upscale_status = COALESCE(stage ->> 'upscale_status', a.upscale_status),
      upscaled_image_url = COALESCE(stage ->> 'upscaled_image_url', a.upscaled_image_url)
    WHERE a.id = artwork_id;
  END LOOP;
END
$$;

-- name: artwork_rejected
-- What: what the legacy table has rejected of the trial's artwork (`artwork` says which), unless a decision accepts it.
-- Why: such an artwork would be on the clean side only: it blocks the switch, and after the switch it cannot be carried back.
-- Locks: none on a table of the application.
-- Remedy: Change the rule of the legacy table that rejects it. Or decide to go on without: then nobody may create an artwork on the clean
--   side before the switch, and those created after it hinder the roll back.
SELECT
  CAST(:artwork AS text) AS subject,
  FORMAT('the legacy table rejects it: SQLSTATE %s (%s).', r.sql_state, r.object) AS problem,
  'accept_rejected_artworks yes' AS decision
FROM artwork_migration.rejected_write AS r
WHERE
  (SELECT d.value FROM artwork_migration.decision AS d WHERE d.name = 'accept_rejected_artworks' ORDER BY d.number DESC LIMIT 1)
  IS DISTINCT FROM 'yes';

-- name: token_is_unique
-- What: whether a key of the legacy table makes access tokens unique.
-- Why: without one, only the gate legacy_artworks counts artworks that share a token, because counting them reads every row.
-- Locks: none.
SELECT
  EXISTS(
    SELECT
    FROM pg_catalog.pg_index AS i
    INNER JOIN pg_catalog.pg_attribute AS a ON i.indrelid = a.attrelid AND i.indkey[0] = a.attnum
    WHERE
      i.indrelid = 'public.artworks'::regclass AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
      AND i.indnkeyatts = 1 AND a.attname = 'access_token'
  ) AS token_is_unique;

-- name: accepted_statuses
-- What: for each status column, the query for the statuses that the legacy table accepts, of all that could be written to it.
-- Why: they are found by evaluating the legacy table's own checks of that column. A check over several columns is not evaluated.
-- Locks: none.
SELECT
  c.column_name,
  FORMAT(
    'SELECT s.%1$I FROM UNNEST(%2$L::text []) AS s (%1$I) WHERE %3$s',
    c.column_name,
    c.candidates,
    COALESCE(STRING_AGG('(' || PG_GET_EXPR(k.conbin, k.conrelid) || ') IS NOT FALSE', ' AND ' ORDER BY k.conname), 'TRUE')
  ) AS question
FROM (
  VALUES
  ('generation_status', ARRAY['pending', 'processing', 'completed', 'failed']),
  ('upscale_status', ARRAY['not_started', 'not_required', 'pending', 'processing', 'completed', 'failed'])
) AS c (column_name, candidates)
-- another type is a prerequisite that fails later; here its operators would not accept the candidates, which are text
LEFT JOIN pg_catalog.pg_attribute AS a
  ON
    a.attrelid = 'public.artworks'::regclass AND c.column_name = a.attname AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
LEFT JOIN pg_catalog.pg_constraint AS k ON a.attrelid = k.conrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
GROUP BY c.column_name, c.candidates
ORDER BY c.column_name;

-- name: size
-- What: the size of the legacy table, and about that of the clean table, its indexes, the users, WAL and temporary files. They are
--   estimated from the legacy table's size, its statistics and the share of its :legacy_rows that are :migrated.
-- Why: free disk space is not visible from SQL, so the plan says how much is required and the operator checks. The factors were measured:
--   random keys fill their pages to 70 %, sorted ones to 90 %; a user takes 400 bytes with its keys and our record; a written byte is 1.7
--   bytes of WAL, with full pages and the VACUUM; the comparison of all rows spills both tables.
-- Locks: ACCESS SHARE on public.artworks.
WITH legacy AS (
  SELECT
    PG_TABLE_SIZE('public.artworks') AS table_bytes,
    PG_INDEXES_SIZE('public.artworks') AS index_bytes,
    CAST(:migrated AS float8) AS migrated,
    CAST(:migrated AS float8) / GREATEST(1, CAST(:legacy_rows AS float8)) AS share
),

-- a column that was never analyzed is estimated as long, and its values as distinct
width AS (
  SELECT
    COALESCE(MAX(s.avg_width) FILTER (WHERE s.attname = 'access_token'), 64) AS token,
    COALESCE(MAX(s.avg_width) FILTER (WHERE s.attname = 'customer_email'), 64) AS email,
    COALESCE(MAX(s.n_distinct) FILTER (WHERE s.attname = 'customer_email'), -1) AS emails
  FROM pg_catalog.pg_stats AS s
  WHERE s.schemaname = 'public' AND s.tablename = 'artworks'
),

need AS (
  SELECT
    l.table_bytes,
    l.index_bytes,
    l.table_bytes * l.share AS clean_table,
    l.migrated
    * (40 + (12 + 8 * CEIL((w.token + 1) / 8.0)) / 0.7 + (12 + 8 * CEIL((w.email + 9) / 8.0)) / 0.9 + 25) AS clean_indexes,
    CASE
      WHEN NOT CAST(:creates_users AS boolean) THEN 0
      WHEN w.emails < 0 THEN -400 * w.emails * CAST(:legacy_rows AS float8)
      ELSE 400 * w.emails
    END AS users
  FROM legacy AS l
  CROSS JOIN width AS w
)

SELECT
  n.table_bytes AS legacy_table,
  n.index_bytes AS legacy_indexes,
  n.clean_table::bigint AS clean_table,
  n.clean_indexes::bigint AS clean_indexes,
  n.users::bigint AS users,
  (1.7 * (n.clean_table + n.clean_indexes + n.users))::bigint AS wal,
  (n.table_bytes + n.clean_table)::bigint AS temporary
FROM need AS n;

-- name: cannot_drift
-- What: those of the subjects that accept_drift cannot accept: there is no such object, or its drift hides writes from us.
-- Why: the decision accept_drift is for columns, constraints and unique indexes, and for foreign keys of partitions.
-- Locks: none.
SELECT s.subject
FROM UNNEST(CAST(:subjects AS text[])) AS s (subject)
WHERE
  s.subject NOT IN (
    SELECT m.subject FROM artwork_migration.baseline_object AS m WHERE m.may_differ
    UNION ALL
    SELECT w.subject FROM artwork_migration.monitored_objects() AS w WHERE w.may_differ
  )
ORDER BY s.subject;

-- name: capture_drifted
-- What: what hides writes from us: our triggers, functions and views that are missing, disabled or changed. Checked under the locks.
-- Why: it is one query, because each of the three reads every monitored object while the application waits. The files of drift/ make the
--   message.
-- Locks: none.
SELECT l.subject
FROM artwork_migration.drift AS l
WHERE l.kind IN ('trigger', 'function', 'view');

-- name: only_retired
-- What: artworks that were written through legacy_names in the last 7 days and that only the retired table has. Checked under the locks.
-- Why: the plan that the run has just made again knows all that were committed by then (clean_up/blockers/only_retired), and there may be
--   a million others.
-- Locks: ACCESS SHARE on both tables.
SELECT FROM artwork_migration.legacy_names_write AS w
INNER JOIN public.artworks_old AS a ON w.id = a.id
WHERE
  w.written_at > NOW() - interval '7 days'
  AND NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = w.id)
  AND NOT EXISTS (SELECT FROM artwork_migration.clean_deleted AS g WHERE g.id = w.id);

-- name: switch_facts
-- What: where the switch would start: rows of both tables, artworks in flight, ids in the log, logical slots of this database.
-- Why: the reader of the plan sees how much is left to catch up, and who follows the table by its name.
-- Locks: ACCESS SHARE on both tables.
SELECT
  (SELECT COUNT(*) FROM public.artworks) AS legacy_rows,
  (SELECT COUNT(*) FROM public.artworks_v2) AS clean_rows,
  (
    SELECT COUNT(*) FROM artwork_migration.legacy_artwork AS l
    WHERE l.generation_status IN ('pending', 'processing') AND l.disposition = 'in_flight'
  ) AS in_flight,
  (SELECT COUNT(DISTINCT p.id) FROM artwork_migration.pending_artwork AS p) AS ids_in_the_log,
  (
    SELECT COUNT(*) FROM pg_catalog.pg_replication_slots AS s
    WHERE s.slot_type = 'logical' AND s.database = CURRENT_DATABASE()
  ) AS logical_slots;

-- name: roll_back_facts
-- What: where the roll back would start: rows of both tables, and ids that are not carried back yet.
-- Why: the reader of the plan sees how long it will take.
-- Locks: ACCESS SHARE on both tables.
SELECT
  (SELECT COUNT(*) FROM public.artworks) AS serving_rows,
  (SELECT COUNT(*) FROM public.artworks_old) AS retired_rows,
  (
    SELECT COUNT(DISTINCT x.id) FROM artwork_migration.clean_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
    WHERE NOT l.carried_back
  ) AS ids_to_carry_back,
  (SELECT COUNT(*) FROM artwork_migration.rejected_write) AS rejected_writes;

-- name: clean_up_facts
-- What: what is dropped with the retired table, and the functions whose text names it.
-- Why: an operator who approves the clean-up must know what is given up. A function's text is not a dependency, so Postgres does not report
--   it.
-- Locks: ACCESS SHARE on both tables.
SELECT
  (SELECT COUNT(*) FROM public.artworks_old) AS retired_rows,
  (
    SELECT COUNT(*) FROM public.artworks_old AS a WHERE NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = a.id)
  ) AS retired_rows_that_do_not_serve,
  PG_SIZE_PRETTY(PG_TOTAL_RELATION_SIZE('public.artworks_old')) AS retired_size,
  ARRAY(
    SELECT p.oid::regprocedure::text
    FROM pg_catalog.pg_proc AS p
    WHERE
      p.pronamespace NOT IN ('artwork_migration'::regnamespace, 'pg_catalog'::regnamespace)
      AND p.prosrc ~* '\m(artworks_v2|artworks_old|artwork_migration)\M'
    ORDER BY 1
  ) AS functions_whose_text_names_what_goes;

-- name: altered_objects
-- What: objects of our schema that are not as we created them: another owner, row level security, policies, triggers or grants, with the
--   statement that restores each.
-- Why: an event trigger can change each new object in the transaction that creates it, and our later writes would fail.
-- Locks: none.
WITH ours AS (
  SELECT
    c.oid,
    CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind,
    c.oid::regclass AS name,
    c.relowner AS owner,
    c.relacl AS acl,
    c.relrowsecurity OR c.relforcerowsecurity AS secured
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = TO_REGNAMESPACE('artwork_migration')::oid AND c.relkind IN ('r', 'v')
),

meant AS (
  SELECT n.nspowner AS owner
  FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname = 'artwork_migration'
)

SELECT
  FORMAT('%s %s', LOWER(o.kind), o.name) AS subject,
  FORMAT('its owner is %s instead of %s.', PG_GET_USERBYID(o.owner), PG_GET_USERBYID(m.owner)) AS problem,
  FORMAT('ALTER %s %s OWNER TO %I', o.kind, o.name, PG_GET_USERBYID(m.owner)) AS restore
FROM ours AS o
INNER JOIN meant AS m ON o.owner <> m.owner
UNION ALL
SELECT
  FORMAT('function %s', p.oid::regprocedure),
  FORMAT('its owner is %s instead of %s.', PG_GET_USERBYID(p.proowner), PG_GET_USERBYID(m.owner)),
  FORMAT('ALTER FUNCTION %s OWNER TO %I', p.oid::regprocedure, PG_GET_USERBYID(m.owner))
FROM pg_catalog.pg_proc AS p
INNER JOIN meant AS m ON p.proowner <> m.owner
WHERE p.pronamespace = TO_REGNAMESPACE('artwork_migration')::oid
UNION ALL
SELECT
  FORMAT('table %s', o.name),
  'it has row level security.',
  FORMAT('ALTER TABLE %s DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', o.name)
FROM ours AS o
WHERE o.secured
UNION ALL
SELECT
  FORMAT('table %s', o.name),
  FORMAT('it has the policy %I.', p.polname),
  FORMAT('DROP POLICY %I ON %s', p.polname, o.name)
FROM ours AS o
INNER JOIN pg_catalog.pg_policy AS p ON o.oid = p.polrelid
UNION ALL
SELECT
  FORMAT('table %s', o.name),
  FORMAT('it has the trigger %I.', g.tgname),
  FORMAT('DROP TRIGGER %I ON %s', g.tgname, o.name)
FROM ours AS o
INNER JOIN pg_catalog.pg_trigger AS g ON o.oid = g.tgrelid
WHERE NOT g.tgisinternal
UNION ALL
SELECT DISTINCT
  FORMAT('%s %s', LOWER(o.kind), o.name),
  'another role has a privilege on it.',
  FORMAT('SELECT artwork_migration.revoke_from_all(''TABLE'', %L)', o.name)
FROM ours AS o
CROSS JOIN LATERAL ACLEXPLODE(o.acl) AS x
WHERE x.grantee <> o.owner
ORDER BY subject, problem;

-- name: altered_clean_table
-- What: how the clean table differs from the legacy table in owner, row level security, policies, triggers and grants, with the statement
--   that restores what we created.
-- Why: as `altered_objects`. Asked in the transaction that creates the clean table; later, a difference may be somebody's decision.
-- Locks: none.
WITH halves AS (
  SELECT
    c.oid::regclass AS name,
    c.oid AS clean,
    l.oid AS legacy,
    c.relowner AS owner,
    l.relowner AS meant_owner,
    c.relacl AS acl,
    l.relacl AS meant_acl,
    c.relrowsecurity <> l.relrowsecurity OR c.relforcerowsecurity <> l.relforcerowsecurity AS flags_differ,
    CASE WHEN l.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END AS secured,
    CASE WHEN l.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END AS forced
  FROM pg_catalog.pg_class AS c
  INNER JOIN pg_catalog.pg_class AS l ON l.oid = TO_REGCLASS('public.artworks')::oid
  WHERE c.oid = TO_REGCLASS('public.artworks_v2')::oid
)

SELECT
  FORMAT('table %s', h.name) AS subject,
  FORMAT('its owner is %s instead of %s.', PG_GET_USERBYID(h.owner), PG_GET_USERBYID(h.meant_owner)) AS problem,
  FORMAT('ALTER TABLE %s OWNER TO %I', h.name, PG_GET_USERBYID(h.meant_owner)) AS restore
FROM halves AS h
WHERE h.owner <> h.meant_owner
UNION ALL
SELECT
  FORMAT('table %s', h.name),
  'its row level security is not that of the legacy table.',
  FORMAT('ALTER TABLE %s %s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY', h.name, h.secured, h.forced)
FROM halves AS h
WHERE h.flags_differ
UNION ALL
SELECT
  FORMAT('table %s', h.name),
  FORMAT('it has the policy %I, which the legacy table does not have.', p.polname),
  FORMAT('DROP POLICY %I ON %s', p.polname, h.name)
FROM halves AS h
INNER JOIN pg_catalog.pg_policy AS p ON h.clean = p.polrelid
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_policy AS l WHERE l.polrelid = h.legacy AND l.polname = p.polname)
UNION ALL
SELECT
  FORMAT('table %s', h.name),
  FORMAT('it has the trigger %I, which we did not create.', g.tgname),
  FORMAT('DROP TRIGGER %I ON %s', g.tgname, h.name)
FROM halves AS h
INNER JOIN pg_catalog.pg_trigger AS g ON h.clean = g.tgrelid
WHERE NOT g.tgisinternal AND g.tgname <> 'artworks_v2_lifecycle' AND NOT STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
UNION ALL
SELECT
  FORMAT('table %s', h.name),
  FORMAT('%s has %s on it, and not on the legacy table.', r.name, x.privilege_type),
  FORMAT('REVOKE %s ON %s FROM %s', x.privilege_type, h.name, r.name)
FROM halves AS h
CROSS JOIN LATERAL ACLEXPLODE(h.acl) AS x
CROSS JOIN LATERAL (SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(x.grantee)) END AS name) AS r
WHERE
  x.grantee <> h.owner
  AND NOT EXISTS (SELECT FROM ACLEXPLODE(h.meant_acl) AS l WHERE l.grantee = x.grantee AND l.privilege_type = x.privilege_type)
ORDER BY subject, problem;

-- name: event_triggers
-- What: the statements that disable the event triggers that DDL fires, except those of extensions.
-- Why: a plan whose creations are changed or refused names them.
-- Locks: none.
SELECT
  QUOTE_IDENT(e.evtname) AS name,
  FORMAT('ALTER EVENT TRIGGER %I DISABLE', e.evtname) AS statement
FROM pg_catalog.pg_event_trigger AS e
WHERE
  e.evtevent <> 'login' AND e.evtenabled <> 'D'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e'
  )
ORDER BY 1;

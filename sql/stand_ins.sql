-- The queries that replace a relation that does not exist yet when deploy_schema is planned, or that holds other rows when a rollback is
-- (see Given in sql/__init__.py).

-- name: no_users
-- What: the users of a database without the table.
-- Why: the mapping searches the owner of an e-mail among the users.
-- Locks: none.
SELECT
  NULL::uuid AS id,
  NULL::text AS email
WHERE FALSE;

-- name: users
-- What: the users of this database.
-- Why: as `no_users`.
-- Locks: ACCESS SHARE on public.users.
SELECT
  u.id,
  u.email
FROM public.users AS u;

-- name: clean_modified
-- What: the modified clean rows: there are none.
-- Why: a modified row would always be eligible.
-- Locks: none.
SELECT NULL::uuid AS id
WHERE FALSE;

-- name: no_decisions
-- What: the decisions of a database without a ledger.
-- Why: in_flight_age and accept_exposure are read from them.
-- Locks: none.
SELECT
  0 AS number,
  ''::text AS name,
  NULL::text AS value -- the planner casts a constant even where there is no row
WHERE FALSE;

-- name: decision
-- What: the decisions of this database.
-- Why: as `no_decisions`.
-- Locks: none on a table of the application.
SELECT
  d.number,
  d.name,
  d.value
FROM artwork_migration.decision AS d;

-- name: column_gone
-- What: the columns that the view artwork_migration.column_gone (deploy_schema/27_column_gone) will have, from the mapping (:mapping).
-- Why: the plan names the dependents that cannot be recreated on the clean table before that table exists.
-- Locks: none.
SELECT
  g.number,
  g.name,
  g.absent,
  g.name || g.difference AS problem
FROM (
  SELECT
    a.attnum AS number,
    a.attname AS name,
    m.clean_column IS NULL AS absent,
    CASE
      WHEN m.clean_column IS NULL THEN ', which the clean table does not have'
      WHEN m.clean_type IS NOT NULL OR m.carried IS TRUE THEN NULL
      WHEN (m.data_type::regtype, -1) <> (a.atttypid, a.atttypmod)
        THEN FORMAT(', whose type differs: %s and %s', FORMAT_TYPE(a.atttypid, a.atttypmod), m.data_type)
      WHEN a.attcollation <> t.typcollation
        THEN FORMAT(', whose collation differs: %s and the default one', a.attcollation::regcollation)
    END AS difference
  FROM pg_catalog.pg_attribute AS a
  INNER JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
  LEFT JOIN LATERAL (
    SELECT x.*
    FROM
      JSONB_TO_RECORDSET(CAST(:mapping AS jsonb))
        AS x (clean_column text, legacy_column text, data_type text, carried boolean, clean_type text)
    WHERE x.clean_column = a.attname
    ORDER BY x.legacy_column = a.attname DESC
    LIMIT 1
  ) AS m ON TRUE
  WHERE a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
) AS g
WHERE g.difference IS NOT NULL;

-- name: rejected_write
-- What: the writes that a dry run of the rollback could not carry back (:rejections).
-- Why: the dry run was rolled back, so the table does not have them.
-- Locks: none.
SELECT
  r.id,
  r.columns,
  r.sql_state,
  r.object
FROM JSONB_TO_RECORDSET(CAST(:rejections AS jsonb)) AS r (id uuid, columns text[], sql_state text, object text);

-- name: quarantined
-- What: eligible artworks that the clean table cannot take, by reason, as find_quarantined would list them.
-- Why: the plan knows them before that table exists. Of artworks with one token the oldest is taken.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Given: legacy_artwork
SELECT
  COALESCE(l.defect, 'duplicate_access_token') AS reason,
  COUNT(*) AS artworks
FROM (
  SELECT
    a.defect,
    ROW_NUMBER() OVER (PARTITION BY a.access_token, a.defect IS NULL ORDER BY a.created_at, a.id) AS place
  FROM artwork_migration.legacy_artwork AS a
  WHERE a.disposition = 'eligible'
) AS l
WHERE l.defect IS NOT NULL OR l.place > 1
GROUP BY 1;

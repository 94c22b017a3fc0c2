-- What: where the decision serve_old_names is in force, the schema legacy_names: a view `artworks` with every legacy column, and views on
--   users and on each table that references artworks, also through another table, all with the grants of their tables.
-- Why: code that is not changed yet sets search_path = legacy_names, public once, and works in every phase: the switch and the rollback
--   from it replace the body of the view artworks. security_invoker: privileges and row level security are those of the role that asks.
--   Before the switch the views are simply updatable, so the capture on the tables sees each write. A table owner that is another role gets
--   its privileges as grants.
-- Inverse: in the rows.
-- Locks: ACCESS SHARE on the tables.
-- Stage: prepare
WITH RECURSIVE referencing AS (
  SELECT TO_REGCLASS('public.artworks')::oid AS oid
  UNION
  SELECT k.conrelid
  FROM referencing AS r
  INNER JOIN pg_catalog.pg_constraint AS k ON r.oid = k.confrelid
  WHERE k.contype = 'f' AND k.conparentid = 0
),

served AS (
  SELECT
    c.oid,
    c.relname,
    c.relowner,
    c.relacl
  FROM pg_catalog.pg_class AS c
  WHERE
    CAST(:serve_old_names AS boolean) AND c.relnamespace = 'public'::regnamespace
    AND (c.oid IN (SELECT r.oid FROM referencing AS r) OR c.oid = TO_REGCLASS('public.users'))
),

granted AS (
  SELECT
    s.relname,
    acl.privilege_type,
    acl.is_grantable,
    '' AS column_list,
    acl.grantee
  FROM served AS s
  CROSS JOIN LATERAL ACLEXPLODE(COALESCE(s.relacl, ACLDEFAULT('r', s.relowner))) AS acl
  UNION
  SELECT
    s.relname,
    acl.privilege_type,
    acl.is_grantable,
    FORMAT(' (%I)', a.attname),
    acl.grantee
  FROM served AS s
  INNER JOIN pg_catalog.pg_attribute AS a ON s.oid = a.attrelid AND NOT a.attisdropped
  CROSS JOIN LATERAL ACLEXPLODE(a.attacl) AS acl
),

named AS (
  SELECT
    g.*,
    CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(g.grantee)) END AS role
  FROM granted AS g
  -- our own role needs no grant
  WHERE g.grantee <> (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER)
)

SELECT
  o.object,
  o."do",
  o.undo
FROM (
  -- also without the decision: what reads it finds nothing then
  SELECT
    0 AS place,
    'artwork_migration.legacy_names_object' AS object,
    'CREATE VIEW artwork_migration.legacy_names_object AS ' || CAST(:legacy_names_object AS text) AS "do",
    'DROP VIEW artwork_migration.legacy_names_object' AS undo
  UNION ALL
  SELECT
    1 AS place,
    'schema legacy_names' AS object,
    'CREATE SCHEMA legacy_names; COMMENT ON SCHEMA legacy_names IS ''artwork_migration: serve_old_names'';'
    ' SELECT artwork_migration.revoke_from_all(''SCHEMA'', ''legacy_names'')' AS "do",
    'DROP SCHEMA IF EXISTS legacy_names' AS undo
  WHERE CAST(:serve_old_names AS boolean)
  UNION ALL
  SELECT
    2,
    FORMAT('view legacy_names.%I', s.relname),
    FORMAT(
      'CREATE VIEW legacy_names.%1$I WITH (security_invoker = true) AS SELECT %2$s FROM public.%1$I AS t;'
      ' COMMENT ON VIEW legacy_names.%1$I IS ''artwork_migration: serve_old_names'';'
      ' SELECT artwork_migration.revoke_from_all(''TABLE'', %3$L)',
      s.relname,
      (
        SELECT STRING_AGG(FORMAT('t.%I', a.attname), ', ' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = s.oid AND a.attnum > 0 AND NOT a.attisdropped
      ),
      FORMAT('legacy_names.%I', s.relname)
    ),
    FORMAT('DROP VIEW IF EXISTS legacy_names.%I', s.relname)
  FROM served AS s
  UNION ALL
  SELECT DISTINCT
    3,
    'schema legacy_names for ' || n.role,
    'GRANT USAGE ON SCHEMA legacy_names TO ' || n.role,
    NULL
  FROM named AS n
  UNION ALL
  SELECT
    4,
    FORMAT('view legacy_names.%I for %s', n.relname, n.role),
    FORMAT(
      'GRANT %s%s ON legacy_names.%I TO %s%s',
      n.privilege_type, n.column_list, n.relname, n.role, CASE WHEN n.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    ),
    NULL
  FROM named AS n
) AS o
ORDER BY o.place, o.object, o."do"

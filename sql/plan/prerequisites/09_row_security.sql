-- What: row level security applies to the connected role, or to the owner of our views and functions, on a table whose rows we read or
--   write: artworks under each of its names, users, each table with a key to artworks and its partitions, and the ledger's tables.
-- Why: the migration would see only some rows and report them as all rows, and Postgres would validate keys by these rows alone. The
--   policies of a table apply to its owner if they are forced. Checked before each verb, and again under the locks.
-- Locks: none.
-- Remedy: Connect as a role with BYPASSRLS that is a member of the table's owner, or stop forcing the policies on the owner. The owner then
--   sees all rows of the table, and its views (materialized ones with the next refresh) and SECURITY DEFINER functions show them to others;
--   so choose the role if there are such, or if the application itself connects as the owner.
WITH artworks (oid) AS (
  SELECT TO_REGCLASS(n.name)::oid
  FROM (VALUES ('public.artworks'), ('public.artworks_v2'), ('public.artworks_old')) AS n (name)
),

tables (oid) AS (
  SELECT a.oid FROM artworks AS a
  UNION
  SELECT TO_REGCLASS('public.users')::oid
  UNION
  SELECT k.conrelid FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid IN (SELECT a.oid FROM artworks AS a)
  UNION
  SELECT c.oid FROM pg_catalog.pg_class AS c WHERE c.relnamespace = TO_REGNAMESPACE('artwork_migration')::oid AND c.relkind = 'r'
),

roles (oid) AS (
  SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER
  UNION
  SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.relnamespace = TO_REGNAMESPACE('artwork_migration')::oid AND c.relkind = 'v'
  UNION
  SELECT p.proowner FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = TO_REGNAMESPACE('artwork_migration')::oid
)

SELECT
  'table ' || c.oid::regclass AS subject,
  FORMAT(
    'row level security hides rows from role %s%s%s.',
    r.rolname,
    CASE WHEN c.relforcerowsecurity THEN ': it is forced on the owner' ELSE '' END,
    '. Not forced, it would let these show all of them to others: ' || v.names
  ) AS problem,
  CASE
    WHEN c.relforcerowsecurity AND PG_HAS_ROLE(c.relowner, 'USAGE') AND v.names IS NULL
      THEN FORMAT('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', c.oid::regclass)
  END AS statement
FROM pg_catalog.pg_class AS c
INNER JOIN tables AS t ON c.oid = t.oid
CROSS JOIN pg_catalog.pg_roles AS r
-- views read with the rights of their owner
CROSS JOIN
  LATERAL (
    SELECT STRING_AGG(DISTINCT w.ev_class::regclass::text, ', ') AS names
    FROM pg_catalog.pg_depend AS d
    INNER JOIN pg_catalog.pg_rewrite AS w ON d.objid = w.oid
    INNER JOIN pg_catalog.pg_class AS x ON w.ev_class = x.oid
    INNER JOIN pg_catalog.pg_roles AS o ON x.relowner = o.oid
    WHERE
      d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
      AND x.relkind = 'v' AND NOT (o.rolsuper OR o.rolbypassrls) AND PG_HAS_ROLE(o.oid, c.relowner, 'USAGE')
      AND x.relnamespace IS DISTINCT FROM TO_REGNAMESPACE('artwork_migration')::oid
      AND NOT EXISTS (
        SELECT FROM PG_OPTIONS_TO_TABLE(x.reloptions) AS p WHERE p.option_name = 'security_invoker' AND p.option_value::boolean
      )
  ) AS v
WHERE
  c.relrowsecurity AND r.oid IN (SELECT x.oid FROM roles AS x) AND NOT (r.rolsuper OR r.rolbypassrls)
  AND (c.relforcerowsecurity OR NOT PG_HAS_ROLE(r.oid, c.relowner, 'USAGE'))
ORDER BY 1, 2

-- What: something that stays depends on something that goes: on the retired table or what goes along with it (its row type, its
--   sequences), on the views that go, on anything in our schema.
-- Why: what Postgres would only take away with CASCADE is not ours to take away. Dependencies are followed as DROP does; what it would
--   take away in silence all the same (a rule, a publication, a subscription, being a child) is named too.
-- Locks: none.
-- Remedy: Drop it, or create it anew on public.artworks, then plan again. A sequence that a default of public.artworks takes its values
--   from stays if it belongs to that column: ALTER SEQUENCE … OWNED BY public.artworks.<column>.
WITH RECURSIVE retired_reader AS (
  SELECT DISTINCT
    c.oid,
    c.relname,
    c.relnamespace
  FROM pg_catalog.pg_depend AS d
  INNER JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  INNER JOIN pg_catalog.pg_class AS c ON w.ev_class = c.oid
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks_old'::regclass AND c.relkind = 'm'
),

going AS (
  SELECT
    'pg_class'::regclass::oid AS classid,
    c.oid AS objid
  FROM pg_catalog.pg_class AS c
  WHERE
    c.relnamespace = 'artwork_migration'::regnamespace
    OR c.oid IN ('public.artworks_old'::regclass, TO_REGCLASS('public.artworks_v2')::oid)
    -- put aside by the switch, which has made another one of the name without _old
    OR c.oid IN (
      SELECT r.oid FROM retired_reader AS r
      WHERE EXISTS (
        SELECT FROM pg_catalog.pg_class AS t
        WHERE t.relnamespace = r.relnamespace AND t.relkind = 'm' AND t.relname || '_old' = r.relname
      )
    )
  UNION ALL
  SELECT
    'pg_proc'::regclass::oid,
    p.oid
  FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace = 'artwork_migration'::regnamespace
  UNION ALL
  SELECT
    'pg_trigger'::regclass::oid,
    g.oid
  FROM pg_catalog.pg_trigger AS g
  INNER JOIN pg_catalog.pg_proc AS p ON g.tgfoid = p.oid
  WHERE STARTS_WITH(LOWER(g.tgname), 'artwork_migration_') AND p.pronamespace = 'artwork_migration'::regnamespace
),

gone AS (
  SELECT
    g.classid,
    g.objid
  FROM going AS g
  UNION
  SELECT
    d.classid,
    d.objid
  FROM gone AS g
  INNER JOIN pg_catalog.pg_depend AS d ON g.classid = d.refclassid AND g.objid = d.refobjid
  WHERE
    d.deptype = 'i'
    OR (d.deptype IN ('a', 'P', 'S') AND d.classid NOT IN ('pg_rewrite'::regclass, 'pg_publication_rel'::regclass))
)

SELECT DISTINCT
  CASE w.rulename
    WHEN '_RETURN' THEN PG_DESCRIBE_OBJECT('pg_class'::regclass, w.ev_class, 0)
    ELSE PG_DESCRIBE_OBJECT(d.classid, d.objid, 0)
  END AS subject,
  FORMAT('it depends on the %s, which goes.', PG_DESCRIBE_OBJECT(d.refclassid, d.refobjid, 0)) AS problem
FROM gone AS g
INNER JOIN pg_catalog.pg_depend AS d ON g.classid = d.refclassid AND g.objid = d.refobjid
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
WHERE
  NOT EXISTS (SELECT FROM gone AS o WHERE o.classid = d.classid AND o.objid = d.objid)
  -- its body is replaced by one that depends on nothing that goes
  AND (d.classid, d.objid) IS DISTINCT FROM ('pg_proc'::regclass, TO_REGPROCEDURE('public.artwork_schema_for(text)')::oid)
UNION ALL
SELECT
  PG_DESCRIBE_OBJECT('pg_class'::regclass, i.inhparent, 0),
  'the retired table is a child of it.'
FROM pg_catalog.pg_inherits AS i
WHERE i.inhrelid = 'public.artworks_old'::regclass
UNION ALL
SELECT
  PG_DESCRIBE_OBJECT('pg_subscription'::regclass, s.srsubid, 0),
  'it writes into the retired table.'
FROM pg_catalog.pg_subscription_rel AS s
WHERE s.srrelid = 'public.artworks_old'::regclass
ORDER BY 1

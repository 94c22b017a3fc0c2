-- What: an object that stays depends on one that is dropped: on the retired table or what belongs to it (row type, sequences), on the
--   dropped views, or on an object of our schema; or it is in the schema legacy_names, which is dropped.
-- Why: the clean-up drops nothing with CASCADE. Dependencies are followed as DROP does. Objects that DROP removes without CASCADE (a rule,
--   a publication, a subscription, an inheritance) are listed too, and an extension that the retired table is a member of.
-- Locks: none.
-- Remedy: Drop it, or create it again on public.artworks, then plan again. A sequence used by a default of public.artworks stays if that
--   column owns it.
-- Given: bound_object
WITH RECURSIVE retired_reader AS (
  SELECT DISTINCT
    c.oid,
    c.relname,
    c.relnamespace
  FROM artwork_migration.bound_object AS b
  INNER JOIN pg_catalog.pg_class AS c ON b.class = 'pg_class'::regclass AND b.oid = c.oid
  WHERE b.table_oid = 'public.artworks_old'::regclass AND c.relkind = 'm'
),

going AS (
  SELECT
    'pg_class'::regclass::oid AS classid,
    c.oid AS objid
  FROM pg_catalog.pg_class AS c
  WHERE
    c.relnamespace = 'artwork_migration'::regnamespace
    OR c.oid IN ('public.artworks_old'::regclass, TO_REGCLASS('public.artworks_v2')::oid)
    -- renamed by the switch, which has created another one under the name without _old
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
    o.class,
    o.oid
  FROM artwork_migration.legacy_names_object AS o
  UNION ALL
  SELECT
    'pg_trigger'::regclass::oid,
    g.oid
  FROM pg_catalog.pg_trigger AS g
  INNER JOIN pg_catalog.pg_proc AS p ON g.tgfoid = p.oid
  WHERE
    STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
    AND (p.pronamespace = 'artwork_migration'::regnamespace OR p.oid = TO_REGPROCEDURE('public.artwork_lifecycle()'))
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
  FORMAT('it depends on the %s, which is dropped.', PG_DESCRIBE_OBJECT(d.refclassid, d.refobjid, 0)) AS problem,
  CASE
    WHEN
      a.attname IS NOT NULL AND q.oid IS NOT NULL
      THEN FORMAT('ALTER SEQUENCE %s OWNED BY public.artworks.%I', q.oid::regclass, a.attname)
  END AS statement
FROM gone AS g
INNER JOIN pg_catalog.pg_depend AS d ON g.classid = d.refclassid AND g.objid = d.refobjid
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
LEFT JOIN pg_catalog.pg_attrdef AS f
  ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND f.adrelid = 'public.artworks'::regclass
LEFT JOIN pg_catalog.pg_attribute AS a ON f.adrelid = a.attrelid AND f.adnum = a.attnum
LEFT JOIN pg_catalog.pg_class AS q ON d.refclassid = 'pg_class'::regclass AND d.refobjid = q.oid AND q.relkind = 'S'
WHERE
  NOT EXISTS (SELECT FROM gone AS o WHERE o.classid = d.classid AND o.objid = d.objid)
  -- its body is replaced by one that depends on no dropped object
  AND (d.classid, d.objid) IS DISTINCT FROM ('pg_proc'::regclass, TO_REGPROCEDURE('public.artwork_schema_for(text)')::oid)
UNION ALL
SELECT
  PG_DESCRIBE_OBJECT('pg_class'::regclass, i.inhparent, 0),
  'the retired table is a child of it.',
  NULL
FROM pg_catalog.pg_inherits AS i
WHERE i.inhrelid = 'public.artworks_old'::regclass
UNION ALL
SELECT
  PG_DESCRIBE_OBJECT(e.tableoid, e.oid, 0),
  'the retired table is a member of it.',
  FORMAT('ALTER EXTENSION %I DROP TABLE public.artworks_old', e.extname)
FROM pg_catalog.pg_depend AS d
INNER JOIN pg_catalog.pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE d.classid = 'pg_class'::regclass AND d.objid = 'public.artworks_old'::regclass AND d.deptype = 'e'
UNION ALL
SELECT
  PG_DESCRIBE_OBJECT('pg_subscription'::regclass, s.srsubid, 0),
  'it writes to the retired table.',
  NULL
FROM pg_catalog.pg_subscription_rel AS s
WHERE s.srrelid = 'public.artworks_old'::regclass
ORDER BY 1

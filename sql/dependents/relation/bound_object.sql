-- What: everything that the catalog binds to artworks, to its other half (artworks_v2 or artworks_old) or to the row type of one of them: a
--   row for each column. A view is named, not its query.
-- Why: the kinds, the blockers, the locks and the list of the switch read pg_depend here and nowhere else. `outside`: the object is neither
--   a part of one of these tables nor ours.
-- Locks: none.
-- Given: legacy_names_object
WITH half AS (
  SELECT h.oid::oid AS oid
  FROM UNNEST(ARRAY[TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_v2'), TO_REGCLASS('public.artworks_old')]) AS h (oid)
  WHERE h.oid IS NOT NULL
),

referenced AS (
  SELECT
    h.oid AS table_oid,
    'pg_class'::regclass::oid AS class,
    h.oid,
    FALSE AS is_row_type
  FROM half AS h
  UNION ALL
  SELECT
    h.oid AS table_oid,
    'pg_type'::regclass::oid AS class,
    t.oid,
    TRUE AS is_row_type
  FROM half AS h
  INNER JOIN pg_catalog.pg_type AS r ON h.oid = r.typrelid
  CROSS JOIN LATERAL UNNEST(ARRAY[r.oid, r.typarray]) AS t (oid)
)

SELECT
  CASE WHEN w.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END AS class,
  COALESCE(w.ev_class, d.objid) AS oid,
  t.table_oid,
  t.is_row_type,
  d.refobjsubid AS column_number,
  d.deptype,
  CASE
    WHEN d.deptype <> 'n' AND d.classid NOT IN ('pg_trigger'::regclass, 'pg_publication_rel'::regclass) THEN FALSE
    WHEN w.oid IS NOT NULL OR d.classid = 'pg_class'::regclass
      THEN (
        SELECT
          COALESCE(c.relnamespace <> TO_REGNAMESPACE('artwork_migration'), TRUE)
          AND c.oid NOT IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.class = 'pg_class'::regclass)
        FROM pg_catalog.pg_class AS c
        WHERE c.oid = COALESCE(w.ev_class, d.objid)
      )
    WHEN d.classid = 'pg_proc'::regclass
      THEN (
        SELECT
          COALESCE(f.pronamespace <> TO_REGNAMESPACE('artwork_migration'), TRUE)
          AND f.oid NOT IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.class = 'pg_proc'::regclass)
        FROM pg_catalog.pg_proc AS f
        WHERE f.oid = d.objid
      )
    WHEN d.classid = 'pg_policy'::regclass
      THEN (
        SELECT p.polrelid NOT IN (SELECT h.oid FROM half AS h)
        FROM pg_catalog.pg_policy AS p
        WHERE p.oid = d.objid
      )
    WHEN d.classid = 'pg_constraint'::regclass
      THEN (
        SELECT k.conrelid NOT IN (SELECT h.oid FROM half AS h) AND k.conparentid = 0
        FROM pg_catalog.pg_constraint AS k
        WHERE k.oid = d.objid
      )
    WHEN d.classid = 'pg_attrdef'::regclass
      THEN (
        SELECT e.adrelid NOT IN (SELECT h.oid FROM half AS h)
        FROM pg_catalog.pg_attrdef AS e
        WHERE e.oid = d.objid
      )
    WHEN d.classid = 'pg_trigger'::regclass
      THEN (
        SELECT NOT g.tgisinternal AND NOT STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
        FROM pg_catalog.pg_trigger AS g
        WHERE g.oid = d.objid
      )
    ELSE TRUE
  END AS outside
FROM referenced AS t
INNER JOIN pg_catalog.pg_depend AS d ON t.class = d.refclassid AND t.oid = d.refobjid
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND w.rulename = '_RETURN'

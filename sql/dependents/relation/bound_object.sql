-- What: everything that the catalog binds to artworks, to its other half (artworks_v2 or artworks_old) or to the row type of one of them: a
--   row for each column. A view is named by itself, not by its query.
-- Why: the kinds, the blockers, the locks and the list of the switch read pg_depend here and nowhere else. `outside`: the object is neither
--   a part of one of these tables nor ours.
-- Locks: none.
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
  CASE WHEN v.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END AS class,
  COALESCE(v.oid, d.objid) AS oid,
  t.table_oid,
  t.is_row_type,
  d.refobjsubid AS column_number,
  d.deptype,
  (d.deptype = 'n' OR d.classid IN ('pg_trigger'::regclass, 'pg_publication_rel'::regclass))
  AND (COALESCE(v.relnamespace, c.relnamespace, f.pronamespace) = TO_REGNAMESPACE('artwork_migration')) IS NOT TRUE
  AND COALESCE(p.polrelid, k.conrelid, e.adrelid, 0) NOT IN (SELECT h.oid FROM half AS h)
  AND COALESCE(k.conparentid, 0) = 0
  AND g.tgisinternal IS NOT TRUE AND STARTS_WITH(LOWER(g.tgname), 'artwork_migration_') IS NOT TRUE AS outside
FROM referenced AS t
INNER JOIN pg_catalog.pg_depend AS d ON t.class = d.refclassid AND t.oid = d.refobjid
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND w.rulename = '_RETURN'
LEFT JOIN pg_catalog.pg_class AS v ON w.ev_class = v.oid
LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
LEFT JOIN pg_catalog.pg_proc AS f ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid
LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
LEFT JOIN pg_catalog.pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
LEFT JOIN pg_catalog.pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND d.objid = g.oid
LEFT JOIN pg_catalog.pg_attrdef AS e ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid

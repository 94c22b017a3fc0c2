-- What: something hangs on the serving table or its row type, or on the view artworks_v2 or its row type, that did not when the names
--   changed hands.
-- Why: the way back says again what the switch said again, and nothing else; this would go on with the clean table, or keep the view. The
--   plan of the switch does not know by name which functions, rules and publications went along with the clean table: those made after
--   the switch have a higher number than the view, which the switch has made.
-- Locks: none.
-- Remedy: Drop it before the way back and create it anew after it.
WITH half AS (
  SELECT c.oid
  FROM pg_catalog.pg_class AS c
  WHERE c.oid IN ('public.artworks'::regclass, TO_REGCLASS('public.artworks_v2')::oid)
),

live_object AS (
  SELECT
    'pg_class'::regclass AS classid,
    h.oid
  FROM half AS h
  UNION ALL
  SELECT
    'pg_type'::regclass AS classid,
    t.oid
  FROM half AS h
  INNER JOIN pg_catalog.pg_type AS r ON h.oid = r.typrelid
  CROSS JOIN LATERAL UNNEST(ARRAY[r.oid, r.typarray]) AS t (oid)
)

SELECT
  u.subject,
  'it was made on artworks, or on artworks_v2, after the switch.' AS problem
FROM (
  SELECT
    CASE
      WHEN v.oid IS NOT NULL THEN PG_DESCRIBE_OBJECT('pg_class'::regclass, v.oid, 0)
      ELSE PG_DESCRIBE_OBJECT(d.classid, d.objid, d.objsubid)
    END AS subject,
    CASE
      WHEN p.oid IS NOT NULL THEN FORMAT('policy %I on %s', p.polname, p.polrelid::regclass)
      WHEN k.oid IS NOT NULL THEN FORMAT('key %s on %s', k.conname, k.conrelid::regclass)
      WHEN v.relkind = 'm' THEN FORMAT('materialized view %s', v.oid::regclass)
      WHEN v.oid IS NOT NULL THEN FORMAT('view %s', v.oid::regclass)
      ELSE ''
    END AS object,
    -- the switch has locked the views on either table by this name
    COALESCE(v.oid::regclass::text, '') AS bare
  FROM pg_catalog.pg_depend AS d
  INNER JOIN live_object AS l ON d.refclassid = l.classid AND d.refobjid = l.oid
  LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  LEFT JOIN pg_catalog.pg_class AS v ON w.ev_class = v.oid AND w.rulename = '_RETURN'
  LEFT JOIN pg_catalog.pg_class AS r ON d.classid = 'pg_class'::regclass AND d.objid = r.oid
  LEFT JOIN pg_catalog.pg_proc AS f ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid
  LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
  LEFT JOIN pg_catalog.pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
  WHERE
    d.deptype = 'n' AND d.classid NOT IN ('pg_trigger'::regclass, 'pg_publication_rel'::regclass)
    AND (v.oid IS NOT NULL OR COALESCE(w.oid, f.oid) IS NULL OR d.objid > TO_REGCLASS('public.artworks_v2')::oid)
    AND COALESCE(v.relnamespace, r.relnamespace, f.pronamespace) IS DISTINCT FROM 'artwork_migration'::regnamespace
    AND COALESCE(p.polrelid, 0) <> 'public.artworks'::regclass AND COALESCE(k.conrelid, 0) <> 'public.artworks'::regclass
  UNION ALL
  SELECT
    PG_DESCRIBE_OBJECT('pg_trigger'::regclass, g.oid, 0),
    FORMAT('trigger %I', g.tgname),
    ''
  FROM pg_catalog.pg_trigger AS g
  WHERE
    g.tgrelid = 'public.artworks'::regclass AND NOT g.tgisinternal
    AND NOT STARTS_WITH(g.tgname, 'artwork_migration_') AND g.tgname <> 'artworks_lifecycle'
  UNION ALL
  SELECT
    PG_DESCRIBE_OBJECT('pg_publication'::regclass, b.oid, 0),
    FORMAT('publication %I', b.pubname),
    ''
  FROM pg_catalog.pg_publication_rel AS m
  INNER JOIN pg_catalog.pg_publication AS b ON m.prpubid = b.oid
  WHERE m.prrelid = 'public.artworks'::regclass AND m.oid > TO_REGCLASS('public.artworks_v2')::oid
) AS u
WHERE u.object <> ALL(CAST(:known AS text[])) AND u.bare <> ALL(CAST(:known AS text[]))
GROUP BY u.subject
ORDER BY u.subject

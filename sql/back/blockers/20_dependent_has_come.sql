-- What: something hangs on the serving table that did not when the names changed hands.
-- Why: the way back says again what the switch said again, and nothing else; this would go on with the clean table.
-- Locks: none.
-- Remedy: Drop it before the way back and create it anew after it.
SELECT
  u.subject,
  'it was made on artworks, or on artworks_v2, after the switch.' AS problem
FROM (
  SELECT
    PG_DESCRIBE_OBJECT(
      COALESCE(NULLIF(d.classid, 'pg_rewrite'::regclass), 'pg_class'::regclass), COALESCE(w.ev_class, d.objid), 0
    ) AS subject,
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
  LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  LEFT JOIN pg_catalog.pg_class AS v ON w.ev_class = v.oid
  LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
  LEFT JOIN pg_catalog.pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
  WHERE
    d.refclassid = 'pg_class'::regclass
    AND d.refobjid IN ('public.artworks'::regclass, TO_REGCLASS('public.artworks_v2')::oid)
    AND d.deptype = 'n' AND d.classid NOT IN ('pg_proc'::regclass, 'pg_trigger'::regclass, 'pg_publication_rel'::regclass)
    AND v.relnamespace IS DISTINCT FROM 'artwork_migration'::regnamespace
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
) AS u
WHERE u.object <> ALL(CAST(:known AS text[])) AND u.bare <> ALL(CAST(:known AS text[]))
GROUP BY u.subject
ORDER BY u.subject

-- What: something depends on the legacy table that we do not know how to take to the clean one.
-- Why: left alone it would go on with the retired table, and nobody would notice.
-- Locks: none.
-- Remedy: Drop it before the switch and create it anew after it.
WITH legacy_object AS (
  SELECT
    'pg_class'::regclass AS classid,
    'public.artworks'::regclass::oid AS oid
  UNION ALL
  SELECT
    'pg_type'::regclass AS classid,
    t.oid
  FROM pg_catalog.pg_type AS r
  CROSS JOIN LATERAL UNNEST(ARRAY[r.oid, r.typarray]) AS t (oid)
  WHERE r.typrelid = 'public.artworks'::regclass
)

SELECT DISTINCT
  u.subject,
  u.problem
FROM (
  SELECT
    PG_DESCRIBE_OBJECT(d.classid, d.objid, 0) AS subject,
    'it is bound to the table artworks itself, or to its row type.' AS problem
  FROM pg_catalog.pg_depend AS d
  INNER JOIN legacy_object AS l ON d.refclassid = l.classid AND d.refobjid = l.oid
  LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  -- what a generated column of its own is computed from
  LEFT JOIN pg_catalog.pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
  LEFT JOIN pg_catalog.pg_attrdef AS g ON d.classid = 'pg_attrdef'::regclass AND d.objid = g.oid
  WHERE
    d.deptype = 'n'
    AND g.adrelid IS DISTINCT FROM 'public.artworks'::regclass
    AND k.conrelid IS DISTINCT FROM 'public.artworks'::regclass
    -- a rule of its own is told below
    AND w.ev_class IS DISTINCT FROM 'public.artworks'::regclass
    -- a view's own query is said again, but not if it is made of the row type; another rule would stay with the retired table
    AND NOT (
      l.classid = 'pg_class'::regclass
      AND (
        w.rulename IS NOT DISTINCT FROM '_RETURN'
        OR d.classid IN ('pg_policy'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_publication_rel'::regclass)
      )
    )
  UNION ALL
  SELECT
    FORMAT('rule %I on artworks', w.rulename),
    'rules do not go along.'
  FROM pg_catalog.pg_rewrite AS w
  WHERE w.ev_class = 'public.artworks'::regclass
  UNION ALL
  SELECT
    FORMAT('key %I on artworks', k.conname),
    CASE k.confrelid
      WHEN k.conrelid THEN 'the table references itself, and the clean table has no such column.'
      ELSE
        FORMAT(
          'it leads to %s; from the retired table it would go on stopping deletes there, or reach into what must not change.',
          k.confrelid::regclass
        )
    END
  FROM pg_catalog.pg_constraint AS k
  INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey[1] = a.attnum
  WHERE
    k.contype = 'f' AND k.conrelid = 'public.artworks'::regclass
    AND NOT (k.confrelid = TO_REGCLASS('public.users') AND a.attname = 'user_id' AND CARDINALITY(k.conkey) = 1)
  UNION ALL
  SELECT
    FORMAT('trigger %I on %s', g.tgname, g.tgrelid::regclass),
    'it was made FROM artworks, and would go with the retired table.'
  FROM pg_catalog.pg_trigger AS g
  WHERE g.tgconstrrelid = 'public.artworks'::regclass AND g.tgrelid <> g.tgconstrrelid AND NOT g.tgisinternal
  UNION ALL
  SELECT
    'table artworks',
    'it has parents or children.'
  FROM pg_catalog.pg_inherits AS i
  WHERE 'public.artworks'::regclass IN (i.inhrelid, i.inhparent)
  UNION ALL
  SELECT
    'a subscription',
    'it writes into the table artworks.'
  FROM pg_catalog.pg_subscription_rel AS s
  WHERE s.srrelid = 'public.artworks'::regclass
) AS u
ORDER BY u.subject

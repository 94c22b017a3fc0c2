-- What: something depends on the legacy table, or on its row type, and no kind in this folder recreates it on the clean one.
-- Why: left alone it would stay with the retired table, and nobody would notice.
-- Locks: none.
-- Remedy: Drop it before the switch and create it anew after it.
-- Given: bound_object, dependent, owner_table
SELECT DISTINCT
  PG_DESCRIBE_OBJECT(b.class, b.oid, 0) AS object,
  CASE
    WHEN g.tgconstrrelid = b.table_oid THEN 'it was created FROM artworks, and would go with the retired table.'
    ELSE 'it is bound to the table artworks itself, or to its row type.'
  END AS problem
FROM artwork_migration.bound_object AS b
LEFT JOIN pg_catalog.pg_trigger AS g ON b.class = 'pg_trigger'::regclass AND b.oid = g.oid
LEFT JOIN pg_catalog.pg_rewrite AS w ON b.class = 'pg_rewrite'::regclass AND b.oid = w.oid
WHERE
  b.outside AND b.table_oid = TO_REGCLASS('public.artworks')
  AND (b.is_row_type OR NOT EXISTS (SELECT FROM artwork_migration.dependent AS d WHERE d.class = b.class AND d.oid = b.oid))
  -- a rule of its own is below
  AND w.ev_class IS DISTINCT FROM b.table_oid
UNION ALL
SELECT
  FORMAT('rule %I on artworks', w.rulename),
  'rules are not carried over.'
FROM pg_catalog.pg_rewrite AS w
WHERE w.ev_class = TO_REGCLASS('public.artworks')
UNION ALL
SELECT
  FORMAT('key %I on artworks', k.conname),
  CASE k.confrelid
    WHEN k.conrelid THEN 'the table references itself, and the clean table has no such column.'
    ELSE
      FORMAT(
        'it references %s; from the retired table it would go on stopping deletes there, or reach into what must not change.',
        k.confrelid::regclass
      )
  END
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey[1] = a.attnum
WHERE
  k.contype = 'f' AND k.conrelid = TO_REGCLASS('public.artworks')
  AND NOT (
    a.attname = 'user_id' AND CARDINALITY(k.conkey) = 1
    AND k.confrelid = (SELECT TO_REGCLASS(t.relation) FROM artwork_migration.owner_table AS t)
  )
UNION ALL
SELECT
  'table artworks',
  'it has parents or children.'
FROM pg_catalog.pg_inherits AS i
WHERE TO_REGCLASS('public.artworks') IN (i.inhrelid, i.inhparent)
UNION ALL
SELECT
  'a subscription',
  'it writes into the table artworks.'
FROM pg_catalog.pg_subscription_rel AS s
WHERE s.srrelid = TO_REGCLASS('public.artworks')
ORDER BY 1

-- What: makes the query that takes the retired table's fingerprint: its rows counted and their hashes summed up.
-- Why: the sum does not depend on the order of the rows, the hashes not on time zone or date style. user_id is left out: deleting a user
--   changes it. Values of types that have no hash are taken as text.
-- Locks: none.
SELECT
  FORMAT(
    'SELECT COUNT(*) AS row_count, COALESCE(SUM(HASH_RECORD_EXTENDED(ROW(%s), 0)::numeric), 0)::text AS hash_sum'
    || ' FROM public.artworks_old AS a',
    STRING_AGG(
      FORMAT('a.%I', a.attname)
      || CASE
        WHEN t.typcategory = 'G' OR a.atttypid IN ('json'::regtype, 'xml'::regtype, 'json[]'::regtype, 'xml[]'::regtype) THEN '::text'
        ELSE ''
      END,
      ', ' ORDER BY a.attnum
    )
  ) AS query
FROM pg_catalog.pg_attribute AS a
INNER JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
WHERE a.attrelid = 'public.artworks_old'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'user_id'

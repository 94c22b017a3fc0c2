-- What: makes the query that takes the retired table's fingerprint: its rows counted and the hashes of their text summed up.
-- Why: every type has a text, but not every one a hash. The sum does not depend on the order of the rows. user_id is left out: deleting a
--   user changes it.
-- Locks: none.
SELECT
  FORMAT(
    'SELECT COUNT(*) AS row_count, COALESCE(SUM(HASHTEXTEXTENDED(ROW(%s)::text, 0)::numeric), 0)::text AS hash_sum'
    || ' FROM public.artworks_old AS a',
    STRING_AGG(FORMAT('a.%I', a.attname), ', ' ORDER BY a.attnum)
  ) AS query
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = 'public.artworks_old'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'user_id'

-- What: the checks of the legacy table that speak of one status column only, as expressions.
-- Why: which statuses legacy takes is found by evaluating its own check.
-- Locks: none.
SELECT
  a.attname AS column_name,
  PG_GET_EXPR(k.conbin, k.conrelid) AS expression
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
WHERE
  k.contype = 'c' AND k.conrelid = 'public.artworks'::regclass AND a.attname IN ('generation_status', 'upscale_status')
  -- another type is refused later, in words; here its operators would not fit the candidates, which are text
  AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
ORDER BY a.attname, k.conname

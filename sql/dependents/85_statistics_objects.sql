-- What: extended statistics on the table.
-- Why: plans that rely on them may change.
-- Locks: none.
SELECT
  FORMAT('%I.%I', n.nspname, s.stxname) AS object,
  'stays with the retired table; make it on artworks_v2 too if a query''s plan needs it' AS action
FROM pg_catalog.pg_statistic_ext AS s
INNER JOIN pg_catalog.pg_namespace AS n ON s.stxnamespace = n.oid
WHERE s.stxrelid = 'public.artworks'::regclass
ORDER BY 1

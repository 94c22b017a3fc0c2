-- What: the row level security policies of the table itself.
-- Why: law 8, as for the grants.
-- Locks: none.
SELECT
  FORMAT('policy %I', p.polname) AS object,
  'created on the clean table at deploy_schema' AS action
FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = 'public.artworks'::regclass
ORDER BY p.polname

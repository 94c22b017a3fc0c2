-- What: the row level security policies of the table itself.
-- Why: law 8, as for the grants. The switch does nothing about them, but it stops if one changes between plan and lock.
-- Locks: none.
SELECT
  FORMAT('policy %I', p.polname) AS object,
  'created on the clean table at deploy-schema' AS action
FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = TO_REGCLASS('public.artworks')
ORDER BY p.polname

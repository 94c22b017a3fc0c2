-- What: triggers on the serving and the retired table that are gone, or that do not always fire.
-- Why: a write that the capture does not see is lost on the way back, and one that the guard lets through is lost to everybody who reads
--   artworks; pg_restore and ALTER TABLE … DISABLE TRIGGER ALL say nothing of it.
-- Locks: none.
WITH needed (relation, name) AS (
  VALUES
  ('public.artworks', 'artwork_migration_insert'),
  ('public.artworks', 'artwork_migration_update'),
  ('public.artworks', 'artwork_migration_delete'),
  ('public.artworks', 'artwork_migration_key'),
  ('public.artworks', 'artwork_migration_truncate'),
  ('public.artworks', 'artwork_migration_keep'),
  ('public.artworks_old', 'artwork_migration_guard'),
  ('public.artworks_old', 'artwork_migration_guard_insert'),
  ('public.artworks_old', 'artwork_migration_truncate')
)

SELECT
  COUNT(*) AS looked_at,
  ARRAY(
    SELECT FORMAT('%s on %s', n.name, n.relation)
    FROM needed AS n
    WHERE
      NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS g
        WHERE g.tgrelid = TO_REGCLASS(n.relation) AND g.tgname = n.name AND g.tgenabled = 'A'
      )
    ORDER BY n.relation, n.name
  ) AS objects
FROM needed

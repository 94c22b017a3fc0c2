-- What: no artwork fits the strategy: the legacy table is empty, or none of its rows is completed with an e-mail and a token and no test.
-- Why: it is most likely the wrong database, or the rules do not fit it. A new shop and a staging copy are empty rightly; a decision lets
--   them through.
-- Locks: ACCESS SHARE on public.artworks.
-- Remedy: Check that ARTWORK_DATABASE_URL names the shop's database. If there is nothing to migrate, as in a
--   new shop, decide allow_empty.
-- Given: legacy_artwork, decision
SELECT
  'table public.artworks' AS subject,
  CASE
    WHEN EXISTS (SELECT FROM public.artworks)
      THEN 'no row of it is a completed artwork with an e-mail and a token, so nothing would be migrated.'
    ELSE 'it is empty.'
  END AS problem,
  'allow_empty yes' AS decision
WHERE
  NOT EXISTS (SELECT FROM artwork_migration.legacy_artwork AS l WHERE l.migratable AND l.generation_status = 'completed')
  AND 'yes' IS DISTINCT FROM (
    SELECT d.value FROM artwork_migration.decision AS d WHERE d.name = 'allow_empty' ORDER BY d.number DESC LIMIT 1
  )

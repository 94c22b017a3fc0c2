-- What: artworks that were written through legacy_names since the switch and that only the retired table has, because the serving table
--   cannot hold them yet.
-- Why: they would be lost with the retired table. One blocker for all, because every abandoned upload is among them.
-- Locks: ACCESS SHARE on both tables.
-- Remedy: List them with the statement. Complete them through legacy_names (an e-mail, an access token, and both pictures or a completed
--   generation), which moves them to the serving table, or delete them there.
SELECT
  'artworks that are not complete' AS subject,
  FORMAT('%s were written through legacy_names, such as %s.', COUNT(*), MIN(w.id::text)) AS problem,
  'SELECT a.id, a.created_at FROM legacy_names.artworks AS a INNER JOIN artwork_migration.legacy_names_write AS w ON a.id = w.id'
  || ' WHERE NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = a.id) ORDER BY a.created_at' AS statement
FROM artwork_migration.legacy_names_write AS w
INNER JOIN public.artworks_old AS a ON w.id = a.id
WHERE
  NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = w.id)
  AND NOT EXISTS (SELECT FROM artwork_migration.clean_deleted AS g WHERE g.id = w.id)
HAVING COUNT(*) > 0

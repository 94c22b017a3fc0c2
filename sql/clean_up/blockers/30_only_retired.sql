-- What: an artwork that was written through legacy_names since the switch and that only the retired table has, because the serving table
--   cannot hold it yet.
-- Why: it would be lost with the retired table.
-- Locks: ACCESS SHARE on both tables.
-- Remedy: Complete the artwork through legacy_names (an e-mail, an access token, and both pictures or a completed generation), which moves
--   it to the serving table, or delete it there.
SELECT
  'artwork ' || w.id AS subject,
  'it was written through legacy_names, and is not complete.' AS problem
FROM artwork_migration.legacy_names_write AS w
INNER JOIN public.artworks_old AS a ON w.id = a.id
WHERE
  NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = w.id)
  AND NOT EXISTS (SELECT FROM artwork_migration.clean_deleted AS g WHERE g.id = w.id)
ORDER BY w.id

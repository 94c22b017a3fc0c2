-- What: artworks that the retired table cannot take at all and that another table references.
-- Why: once the legacy table serves again, the order would point nowhere. No decision can allow that.
-- Locks: ACCESS SHARE on what references artworks.
-- Remedy: Change the artwork so that the retired table can take it, or move or delete what references it, then start again.
-- Given: rejected_write
SELECT
  'artwork ' || r.id AS subject,
  FORMAT('the retired table cannot take it (SQLSTATE %s, %s), and another table references it.', r.sql_state, r.object) AS problem
FROM artwork_migration.rejected_write AS r
WHERE
  r.id IN (SELECT f.id FROM artwork_migration.referenced_artwork AS f)
  AND NOT EXISTS (SELECT FROM public.artworks_old AS a WHERE a.id = r.id)
ORDER BY r.id

-- What: how many customers the run moves, and how many artworks they have.
-- Why: the last message says what was done.
-- Locks: none on a table of the application.
SELECT
  COUNT(DISTINCT m.key) AS customers,
  COUNT(DISTINCT m.id) AS artworks
FROM artwork_migration.moving_artwork AS m
WHERE m.moves

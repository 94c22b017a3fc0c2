-- What: how many customers the newest move concerns, how many artworks they have in both tables, and which table serves them.
-- Why: the last message of the run says what was done, not what was planned.
-- Locks: ACCESS SHARE on both tables.
SELECT
  COUNT(DISTINCT m.key) AS customers,
  COUNT(DISTINCT m.id) AS artworks,
  COALESCE(MAX(m.served_by), '') AS served_by
FROM artwork_migration.moving_artwork AS m

-- What: artworks of customers to be moved to the clean table who have none there.
-- Why: their list would be empty. Their artworks are test data, not completed, or in quarantine.
-- Locks: ACCESS SHARE on both tables.
SELECT
  m.id,
  ARRAY['customer_email'] AS about
FROM artwork_migration.moving_artwork AS m
LEFT JOIN (SELECT DISTINCT n.key FROM artwork_migration.moving_artwork AS n WHERE n.is_clean) AS served ON m.key = served.key
WHERE m.served_by = 'clean' AND served.key IS NULL;

-- Checked:
SELECT COUNT(*) FROM (SELECT DISTINCT m.key FROM artwork_migration.moving_artwork AS m) AS moving

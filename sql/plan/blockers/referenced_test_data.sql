-- What: test data that another table references.
-- Why: test data stays behind, and after the switch the reference would match no artwork. Orders of tests are normal in a shop, so a
--   decision lets such rows be migrated. The referenced ids are read first and once each, so that no other row is read.
-- Locks: ACCESS SHARE on public.artworks and what references it.
-- Remedy: Decide that ordered test data is migrated; or move or delete the rows that reference it; or give the artwork another
--   original_image_url if it is no test.
-- Given: legacy_artwork, referenced_artwork
SELECT
  'artwork ' || l.id AS subject,
  'another table references it, but it is not migrated (test_data): its original_image_url begins with test-.' AS problem,
  'ordered_test_data migrate' AS decision
FROM (SELECT DISTINCT a.id FROM artwork_migration.referenced_artwork AS a) AS r
INNER JOIN artwork_migration.legacy_artwork AS l ON r.id = l.id
WHERE l.disposition = 'test_data'
ORDER BY l.id

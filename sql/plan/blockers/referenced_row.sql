-- What: artworks that another table references but that cannot be migrated: test data, or no e-mail, or no token.
-- Why: after the switch the order would point nowhere. The referenced ids come first and once each, so that no other row is looked at.
-- Locks: ACCESS SHARE on public.artworks and what references it.
-- Remedy: Give the artwork an e-mail and a token, or move or delete what references it.
-- Given: legacy_artwork, referenced_artwork
SELECT
  'artwork ' || l.id AS subject,
  FORMAT('another table references it, but it stays behind as %s.', l.disposition) AS problem
FROM (SELECT DISTINCT a.id FROM artwork_migration.referenced_artwork AS a) AS r
INNER JOIN artwork_migration.legacy_artwork AS l ON r.id = l.id
WHERE l.disposition IN ('test_data', 'no_email', 'no_access_token')
ORDER BY l.id
LIMIT 20

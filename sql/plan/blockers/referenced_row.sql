-- What: artworks that another table references and that cannot be migrated: test data, or rows without an e-mail or a token.
-- Why: after the switch the reference would match no artwork. The referenced ids are read first and once each, so that no other row is
--   read.
-- Locks: ACCESS SHARE on public.artworks and what references it.
-- Remedy: Give the artwork an e-mail and a token, or move or delete the rows that reference it.
-- Given: legacy_artwork, referenced_artwork
SELECT
  'artwork ' || l.id AS subject,
  FORMAT('another table references it, but it is not migrated (%s).', l.disposition) AS problem
FROM (SELECT DISTINCT a.id FROM artwork_migration.referenced_artwork AS a) AS r
INNER JOIN artwork_migration.legacy_artwork AS l ON r.id = l.id
WHERE l.disposition IN ('test_data', 'no_email', 'no_access_token')
ORDER BY l.id
LIMIT 20

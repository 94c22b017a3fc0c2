-- What: artworks that another table references and that stay behind because they have no e-mail or no token.
-- Why: after the switch the reference would match no artwork. The referenced ids are read first and once each, so that no other row is
--   read.
-- Locks: ACCESS SHARE on public.artworks and what references it.
-- Remedy: Give the artwork what it does not have, or move or delete the rows that reference it.
-- Given: legacy_artwork, referenced_artwork
SELECT
  'artwork ' || l.id AS subject,
  FORMAT(
    'another table references it, but it is not migrated (%s): its %s is empty.',
    l.disposition,
    CASE l.disposition WHEN 'no_email' THEN 'customer_email' ELSE 'access_token' END
  ) AS problem,
  CASE l.disposition
    WHEN 'no_access_token'
      THEN FORMAT('UPDATE public.artworks SET access_token = gen_random_uuid()::text WHERE id = %L', l.id)
  END AS statement
FROM (SELECT DISTINCT a.id FROM artwork_migration.referenced_artwork AS a) AS r
INNER JOIN artwork_migration.legacy_artwork AS l ON r.id = l.id
WHERE l.disposition IN ('no_email', 'no_access_token')
ORDER BY l.id

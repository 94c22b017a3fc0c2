-- What: artworks that another table references and that would stay behind: test data, or no e-mail, or no token.
-- Why: after the switch the order would point to no artwork.
-- Locks: ACCESS SHARE on public.artworks and the tables that reference it.
SELECT
  l.id,
  ARRAY[l.disposition] AS about
FROM artwork_migration.legacy_artwork AS l
WHERE l.disposition <> 'eligible' AND l.id IN (SELECT r.id FROM artwork_migration.referenced_artwork AS r);

-- Checked:
SELECT COUNT(*)
FROM public.artworks AS a
WHERE a.id IN (SELECT r.id FROM artwork_migration.referenced_artwork AS r)

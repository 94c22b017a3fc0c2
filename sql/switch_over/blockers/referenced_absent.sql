-- What: artworks that another table references and that are neither in the clean table nor in the log.
-- Why: after the switch the order would point nowhere.
-- Locks: ACCESS SHARE on both tables and what references them.
-- Remedy: Give the artwork an e-mail, a token and statuses that the clean table takes, or move or delete what references it; then run
--   migrate-data.
SELECT
  'artwork ' || l.id AS subject,
  FORMAT('another table references it, but it stays behind as %s.', COALESCE(q.reason, l.disposition)) AS problem
FROM (
  SELECT r.id FROM artwork_migration.referenced_artwork AS r
  EXCEPT
  SELECT c.id FROM public.artworks_v2 AS c
  EXCEPT
  SELECT p.id FROM artwork_migration.pending_artwork AS p
) AS absent
INNER JOIN artwork_migration.legacy_artwork AS l ON absent.id = l.id
LEFT JOIN artwork_migration.quarantine AS q ON l.id = q.id
ORDER BY l.id

-- What: legacy artworks of customers who move to the clean table that are not in it, with the reason.
-- Why: the customer would no longer see them.
-- Locks: ACCESS SHARE on both tables and public.users.
SELECT
  l.id,
  ARRAY[COALESCE(q.reason, l.disposition)] AS about
FROM artwork_migration.legacy_artwork AS l
INNER JOIN (
  SELECT m.id FROM artwork_migration.moving_artwork AS m
  WHERE m.moves AND m.moved_to = 'clean' AND NOT m.is_clean
) AS n ON l.id = n.id
LEFT JOIN artwork_migration.quarantine AS q ON l.id = q.id
WHERE NOT EXISTS (SELECT FROM public.artworks_v2 AS c WHERE c.id = l.id);

-- Checked:
SELECT COUNT(*) FROM artwork_migration.moving_artwork AS m
WHERE m.moves AND m.moved_to = 'clean' AND NOT m.is_clean

-- What: artworks of customers who move to the clean table that one table lacks, or whose columns differ and are not in transit.
-- Why: the customer would see something else than before.
-- Locks: ACCESS SHARE on both tables and public.users.
SELECT
  m.id,
  m.reasons AS about
FROM artwork_migration.moving_verdict AS m
WHERE m.moved_to = 'clean';

-- Checked:
SELECT COUNT(*) FROM artwork_migration.moving_artwork AS m
WHERE m.moves AND m.moved_to = 'clean'

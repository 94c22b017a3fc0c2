-- What: artworks of the customers to be moved that one table lacks, or whose columns differ and are not in transit.
-- Why: the customer would see something else than before. Clean rows that legacy rejected count too: they must not be left behind.
-- Locks: ACCESS SHARE on both tables and public.users.
SELECT
  v.id,
  v.verdict || v.about AS about
FROM artwork_migration.verdict AS v
WHERE v.id IN (SELECT m.id FROM artwork_migration.moving_artwork AS m) AND v.verdict IN ('missing', 'extra', 'differs', 'refused');

-- Checked:
SELECT COUNT(*) FROM (SELECT DISTINCT m.id FROM artwork_migration.moving_artwork AS m) AS moving

-- What: the same of customers who move back to the legacy table.
-- Why: a move back must be possible when the clean table is wrong; what legacy has rejected of a customer is named.
-- Locks: ACCESS SHARE on both tables and public.users.
SELECT
  m.id,
  m.reasons AS about
FROM artwork_migration.moving_verdict AS m
WHERE m.moved_to = 'legacy';

-- Checked:
SELECT COUNT(*) FROM artwork_migration.moving_artwork AS m
WHERE m.moves AND m.moved_to = 'legacy'

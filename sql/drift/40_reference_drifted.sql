-- What: a foreign key to artworks was added, dropped or changed after deploy-schema.
-- Why: writes to a table that references artworks only since then are not captured, and an artwork that it references might not be
--   migrated.
-- Locks: none.
-- Remedy: Drop the key and create it again after the switch, or run `roll-back --to NOT_STARTED` and `deploy-schema` again, which includes
--   it. A partition can be accepted if it is written through its parent only: run decide accept_drift with the words before the colon.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind = 'reference'
ORDER BY l.subject

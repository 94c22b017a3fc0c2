-- What: a foreign key to artworks has come, gone or changed since deploy_schema.
-- Why: writes to a table that references artworks since then are not captured, and an artwork that it points to would stay behind.
-- Locks: none.
-- Remedy: Drop the key and create it anew after the switch, or go back with roll_back to=NOT_STARTED and deploy_schema anew, which takes it
--   in. A partition may be accepted if nothing writes to it but through its parent: decide accept_drift with these words before the colon.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind = 'reference'
ORDER BY l.subject

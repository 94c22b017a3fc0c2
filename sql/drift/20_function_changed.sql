-- What: one of our functions is missing, or its definition has changed.
-- Why: capture, write-through and catch-up are these functions. A changed function may lose writes without an error.
-- Locks: none.
-- Remedy: Create it again with CREATE OR REPLACE (its text is in the plan in artwork_migration.plan). Then run migrate-data, or after the
--   switch verify: it compares every row.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind = 'function'
ORDER BY l.subject

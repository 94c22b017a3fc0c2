-- What: one of our views is missing, because a table that it reads was dropped with CASCADE.
-- Why: the capture of users and catch-up read these views. Without them a sign-up fails, and so does every comparison.
-- Locks: none.
-- Remedy: Create the view again without the dropped table, after the views that it reads (its text is in the plan in
--   artwork_migration.plan). Then run migrate-data, or after the switch verify: it compares every row.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind = 'view'
ORDER BY l.subject

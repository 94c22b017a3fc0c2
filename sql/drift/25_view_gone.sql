-- What: a view of ours is gone: a table that it reads was dropped with CASCADE.
-- Why: the capture of users and catch-up read these views; without them a sign-up fails, and so does every comparison.
-- Locks: none.
-- Remedy: Create it anew from its text (the plan in artwork_migration.plan has it) without the table that was dropped, those it reads
--   first; then run migrate_data, after the switch verify: it compares every row.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind = 'view'
ORDER BY l.subject

-- What: a function of ours is gone or has another text than it was given.
-- Why: the capture, the write-through and catch-up are these texts; a changed one may lose writes in silence.
-- Locks: none.
-- Remedy: Execute its text anew (CREATE OR REPLACE; the plan in artwork_migration.plan has it), then run migrate_data, after the switch
--   verify: it compares every row.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind = 'function'
ORDER BY l.subject

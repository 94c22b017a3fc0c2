-- What: a trigger of the capture, the write-through, the guard or the life cycle is gone, silent, or another one.
-- Why: what it does not see is not caught up, written through or carried back, and nobody is told.
-- Locks: none.
-- Remedy: Make it what it was (ALTER TABLE … ENABLE ALWAYS TRIGGER …; if it is gone, execute what it was and then that), then run
--   migrate_data, after the switch verify: it compares every row.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind = 'trigger'
ORDER BY l.subject

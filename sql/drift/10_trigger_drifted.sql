-- What: a trigger of the capture, the write-through, the guard or the life cycle is missing, disabled or changed.
-- Why: a write that the trigger misses is not caught up, written through or carried back, and no error reports it.
-- Locks: none.
-- Remedy: Restore the trigger (ALTER TABLE … ENABLE ALWAYS TRIGGER …; if it is missing, create it with its old definition first). Then run
--   migrate-data, or after the switch verify: it compares every row.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind = 'trigger'
ORDER BY l.subject

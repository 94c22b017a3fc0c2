-- What: what hides writes from us: triggers, functions and views of ours that are gone, silent, or other ones. Asked under the locks.
-- Why: one question, because each of them reads all that is watched, while the application waits; the refusal is told by those in lapses.
-- Locks: none.
SELECT l.subject
FROM artwork_migration.drift AS l
WHERE l.kind IN ('trigger', 'function', 'view')

-- What: forgets the verdict counts of an earlier look in the same run.
-- Why: the run that switches over has compared before it, and its report tells what holds after it.
-- Locks: none on a table of the application.
DELETE FROM artwork_migration.reconciliation AS r
WHERE r.run = :run

-- What: the function goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 47_copy_block_range.sql
-- Locks: none on a table of the application.
DROP FUNCTION artwork_migration.copy_block_range(tid, tid);

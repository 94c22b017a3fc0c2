-- What: the view goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 43_verdict.sql
-- Locks: none on a table of the application.
DROP VIEW artwork_migration.verdict;

-- What: the view goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 49_column_gone.sql
-- Locks: none on a table of the application.
DROP VIEW artwork_migration.column_gone;

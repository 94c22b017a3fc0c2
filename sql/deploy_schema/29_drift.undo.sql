-- What: the view and the function behind it go.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 29_drift.sql
-- Locks: none on a table of the application.
DROP VIEW artwork_migration.drift;
DROP FUNCTION artwork_migration.monitored_objects();

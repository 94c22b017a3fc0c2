-- What: the view and the function behind it go.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 29_lapse.sql
-- Locks: none on a table of the application.
DROP VIEW artwork_migration.lapse;
DROP FUNCTION artwork_migration.watched_objects();

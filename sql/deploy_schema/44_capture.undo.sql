-- What: the functions behind the forward capture go; their triggers went before.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 44_capture.sql
-- Locks: none on a table of the application.
DROP FUNCTION artwork_migration.refuse_truncate();
DROP FUNCTION artwork_migration.lock_clean_rows_of_user();
DROP FUNCTION artwork_migration.capture_changed_user();
DROP FUNCTION artwork_migration.capture_users();
DROP FUNCTION artwork_migration.capture_old_key();
DROP FUNCTION artwork_migration.capture_artworks();

-- What: the log of what changed on the serving table goes, with the functions behind it.
-- Why: every id in it was carried back and stands in clean_modified from now on. Their triggers went before.
-- Inverse: 12_clean_change.sql
-- Locks: none on a table of the application; nobody holds the log who does not hold the serving table.
-- Stage: locked
DROP FUNCTION artwork_migration.guard_retired();
DROP FUNCTION artwork_migration.capture_old_clean_key();
DROP FUNCTION artwork_migration.capture_clean();
DROP FUNCTION artwork_migration.refuse_ids_left_behind(uuid[]);
DROP TABLE artwork_migration.clean_deleted;
DROP TABLE artwork_migration.clean_key_change;
DROP TABLE artwork_migration.clean_change;

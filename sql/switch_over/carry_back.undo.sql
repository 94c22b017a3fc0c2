-- What: the functions that carry back go.
-- Why: once the legacy table serves again there is nothing to carry back, and the names in them would mean other tables.
-- Inverse: 14_carry_back.sql
-- Locks: none on a table of the application.
-- Stage: locked
DROP FUNCTION artwork_migration.dry_run_batch(integer);
DROP FUNCTION artwork_migration.carry_back_batch(integer);
DROP FUNCTION artwork_migration.carry_back_ids(uuid[]);
DROP FUNCTION artwork_migration.carry_back_or_refuse(uuid);
DROP FUNCTION artwork_migration.delete_retired(uuid[]);
DROP FUNCTION artwork_migration.take_clean_changes(integer);

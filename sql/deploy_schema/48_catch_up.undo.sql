-- What: the functions that write the clean table from the legacy one go.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 48_catch_up.sql
-- Locks: none on a table of the application.
DROP FUNCTION artwork_migration.catch_up_batch(integer);
DROP FUNCTION artwork_migration.follow_keys(artwork_migration.key_change[]);
DROP FUNCTION artwork_migration.find_quarantined(uuid[]);
DROP FUNCTION artwork_migration.take_changes(integer);
DROP FUNCTION artwork_migration.create_users(text[]);
DROP FUNCTION artwork_migration.insert_users(text[]);
DROP FUNCTION artwork_migration.enter_fence(bigint, boolean);

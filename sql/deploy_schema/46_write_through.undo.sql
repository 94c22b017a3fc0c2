-- What: the functions behind the write-through go; their triggers went before.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 46_write_through.sql
-- Locks: none on a table of the application.
DROP FUNCTION artwork_migration.delete_through();
DROP FUNCTION artwork_migration.refuse_referenced(uuid);
DROP FUNCTION artwork_migration.write_through();
DROP FUNCTION artwork_migration.resolve_rejection(uuid, text);
DROP FUNCTION artwork_migration.is_only_clean(uuid);
DROP FUNCTION artwork_migration.is_foreign_id(uuid);
DROP FUNCTION artwork_migration.widen_search_path();

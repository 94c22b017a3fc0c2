-- What: the functions by which a user's id changes go; their trigger went before.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 38_user_moves.sql
-- Locks: none on a table of the application.
DROP FUNCTION artwork_migration.user_moved();
DROP FUNCTION artwork_migration.table_without_cascade();

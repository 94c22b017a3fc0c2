-- What: the list of users we created goes; those users themselves went before (roll_back/to_not_started/created_users).
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 04_created_user.sql
-- Locks: none on a table of the application.
-- Stage: after
DROP TABLE IF EXISTS artwork_migration.created_user;

-- What: revokes access to what was created in our schema from all other roles.
-- Why: done again at the end (76_notify), where the time counts; then little is left.
-- Inverse: none; it is right before and after.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT artwork_migration.close_schema()

-- What: the list is dropped.
-- Why: the roll back has read it, and another switch makes its own.
-- Inverse: dependent_at_switch.sql
-- Locks: none on a table of the application.
-- Stage: locked
DROP TABLE artwork_migration.dependent_at_switch;

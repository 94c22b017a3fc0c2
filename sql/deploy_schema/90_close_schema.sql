-- What: everything in our schema is closed to everybody but its owner.
-- Why: law 8: the mapping view shows every customer's row, regardless of row level security.
-- Inverse: none; the schema is dropped as a whole.
-- Locks: none on a table of the application.
-- Stage: locked
SELECT artwork_migration.close_schema();

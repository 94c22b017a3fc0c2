-- What: the list of moved customers goes; the function that reads it went before.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains, and the legacy table serves everybody.
-- Inverse: 07_customer_schema.sql
-- Locks: none on a table of the application.
-- Stage: after
DROP TABLE IF EXISTS artwork_migration.customer_schema;

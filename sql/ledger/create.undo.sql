-- What: the ledger goes; whatever else is still in its schema makes this fail, on purpose (no CASCADE).
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains. It was exported to a file before.
-- Inverse: ledger/create.sql
-- Locks: none on a table of the application.
DROP FUNCTION artwork_migration.close_schema();
DROP FUNCTION artwork_migration.revoke_from_all(text, text);
DROP TABLE artwork_migration.verification;
DROP TABLE artwork_migration.plan;
DROP TABLE artwork_migration.decision;
DROP TABLE artwork_migration.step;
DROP TABLE artwork_migration.phase_history;
DROP SCHEMA artwork_migration;

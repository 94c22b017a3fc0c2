-- What: the ledger's tables for the data go.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains. They were exported after the lock.
-- Inverse: 05_ledger_tables.sql
-- Locks: none on a table of the application.
-- Stage: after
DROP TABLE IF EXISTS artwork_migration.clean_only_value;
DROP TABLE IF EXISTS artwork_migration.baseline_object;
DROP TABLE IF EXISTS artwork_migration.statistic;
DROP TABLE IF EXISTS artwork_migration.gate_result;
DROP TABLE IF EXISTS artwork_migration.rule_result;
DROP TABLE IF EXISTS artwork_migration.finding;
DROP TABLE IF EXISTS artwork_migration.strategy_count;
DROP TABLE IF EXISTS artwork_migration.reconciliation;
DROP TABLE IF EXISTS artwork_migration.chunk;
DROP TABLE IF EXISTS artwork_migration.waiting_email;
DROP TABLE IF EXISTS artwork_migration.quarantine;
DROP TABLE IF EXISTS artwork_migration.rejected_write;
DROP TABLE IF EXISTS artwork_migration.clean_modified;
DROP TABLE IF EXISTS artwork_migration.key_change;
DROP TABLE IF EXISTS artwork_migration.legacy_change;

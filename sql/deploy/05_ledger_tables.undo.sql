-- What: the ledger's tables for the data go.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains. They were exported to a file before.
-- Inverse: 05_ledger_tables.sql
-- Locks: none on a table of the application.
DROP TABLE artwork_migration.gate_result;
DROP TABLE artwork_migration.rule_result;
DROP TABLE artwork_migration.finding;
DROP TABLE artwork_migration.strategy_count;
DROP TABLE artwork_migration.reconciliation;
DROP TABLE artwork_migration.chunk;
DROP TABLE artwork_migration.waiting_email;
DROP TABLE artwork_migration.quarantine;
DROP TABLE artwork_migration.refused_write;
DROP TABLE artwork_migration.clean_touched;
DROP TABLE artwork_migration.rekeyed_artwork;
DROP TABLE artwork_migration.legacy_change;

-- What: saves the objects that capture and write-through rely on as they are at the end of the deployment.
-- Why: migrate_data, switch_over and roll_back compare them with the current ones; see 29_drift.
-- Inverse: 05_ledger_tables.sql drops the table as a whole.
-- Locks: none.
-- Stage: locked
INSERT INTO artwork_migration.baseline_object (serving, kind, subject, words, may_differ)
SELECT
  'legacy' AS serving,
  w.kind,
  w.subject,
  w.words,
  w.may_differ
FROM artwork_migration.monitored_objects() AS w

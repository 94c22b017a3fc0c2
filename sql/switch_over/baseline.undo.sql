-- What: what is remembered of the switch is forgotten.
-- Why: with the legacy table serving again, what is remembered of the deployment counts.
-- Inverse: baseline.sql
-- Locks: none.
-- Stage: locked
DELETE FROM artwork_migration.baseline_object AS m WHERE m.serving = 'clean'

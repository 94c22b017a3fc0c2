-- What: saves the triggers, functions and views that capture, guard and refuse from now on as they are at the end of the switch.
-- Why: verify and roll_back compare them with what they find; see deploy_schema/drift.
-- Locks: none.
-- Stage: locked
INSERT INTO artwork_migration.baseline_object (serving, kind, subject, words, may_differ)
SELECT
  'clean' AS serving,
  w.kind,
  w.subject,
  w.words,
  w.may_differ
FROM artwork_migration.monitored_objects() AS w
WHERE w.kind IN ('trigger', 'function', 'view');

-- Undo:
-- Why: once the legacy table serves again, the baseline of the deployment counts.
DELETE FROM artwork_migration.baseline_object AS m WHERE m.serving = 'clean';

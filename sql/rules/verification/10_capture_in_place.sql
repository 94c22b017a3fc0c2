-- What: triggers and functions that have captured, guarded or rejected writes since the switch and are now missing, disabled or changed.
-- Why: a roll back loses every write that the capture does not see, and nobody who reads artworks sees a write that the guard lets
--   through. pg_restore and ALTER TABLE … DISABLE TRIGGER ALL disable triggers without a message.
-- Locks: none.
SELECT
  NULL::uuid AS id,
  ARRAY[d.subject] AS about
FROM artwork_migration.drift AS d;

-- Checked:
SELECT COUNT(*) FROM artwork_migration.baseline_object AS b WHERE b.serving = 'clean'

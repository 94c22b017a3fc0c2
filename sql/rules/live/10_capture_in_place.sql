-- What: triggers and functions that capture, guard or refuse since the switch and that are gone, silent, or others than they were then.
-- Why: a write that the capture does not see is lost on the way back, and one that the guard lets through is lost to everybody who reads
--   artworks; pg_restore and ALTER TABLE … DISABLE TRIGGER ALL say nothing of it.
-- Locks: none.
SELECT
  (SELECT COUNT(*) FROM artwork_migration.baseline_object AS m WHERE m.serving = 'clean') AS looked_at,
  ARRAY(SELECT l.subject FROM artwork_migration.drift AS l ORDER BY l.subject) AS objects

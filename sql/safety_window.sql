-- The verifications between the switch and the clean-up.

-- name: verified
-- What: writes down a verification; judged again in the same run, it says what holds now.
-- Why: clean_up asks for a green one, and the report tells the window by them.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.verification (run, day, red)
VALUES (:run, :day, CAST(:red AS text[]))
ON CONFLICT (run) DO UPDATE SET day = excluded.day, red = excluded.red, verified_at = CLOCK_TIMESTAMP();

-- name: verifications
-- What: the verifications since the switch, the oldest first; the newest is `fresh` for a while.
-- Why: a window that starts anew has verifications of its own; the ledger keeps the others.
-- Locks: none.
SELECT
  v.run,
  v.day,
  v.red,
  v.verified_at,
  v.verified_at > NOW() - MAKE_INTERVAL(hours => :fresh_hours) AS fresh
FROM artwork_migration.verification AS v
WHERE v.run > :switch_run
ORDER BY v.run;

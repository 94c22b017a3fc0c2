-- The verifications between the switch and the clean-up.

-- name: verified
-- What: saves a verification; if the same run verifies again, the newer result replaces the older.
-- Why: clean_up requires a green one, and the report shows the safety window by them.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.verification (run, day, red)
VALUES (:run, :day, CAST(:red AS text[]))
ON CONFLICT (run) DO UPDATE SET day = excluded.day, red = excluded.red, verified_at = CLOCK_TIMESTAMP();

-- name: verifications
-- What: the verifications since the switch, the oldest first; the newest one is `fresh` for some hours.
-- Why: a new safety window has its own verifications; the ledger keeps the older ones.
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

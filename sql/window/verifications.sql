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
ORDER BY v.run

-- What: the plain count of the legacy table that the newest comparison that was finished took in its snapshot; a run that has switched over
--   has compared before and after.
-- Why: the sum is held against it.
-- Locks: none.
SELECT r.checked
FROM artwork_migration.rule_result AS r
WHERE r.rule IN ('sum', 'live_sum')
ORDER BY r.run DESC, r.rule = 'live_sum' DESC
LIMIT 1

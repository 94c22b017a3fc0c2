-- What: the plain count of the legacy table that the newest reconciliation that was finished took in its snapshot.
-- Why: the sum is held against it.
-- Locks: none.
SELECT r.looked_at
FROM artwork_migration.rule_result AS r
WHERE r.rule = 'sum'
ORDER BY r.run DESC
LIMIT 1

-- What: the plain count of the legacy table that the newest reconciliation took in its snapshot.
-- Why: the sum is held against it.
-- Locks: none.
SELECT r.looked_at
FROM artwork_migration.rule_result AS r
WHERE r.rule = 'sum' AND r.run = (SELECT MAX(n.run) FROM artwork_migration.reconciliation AS n)

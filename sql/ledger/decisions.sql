-- What: the decisions in force: the newest row of each name.
-- Why: every choice that changes what is migrated is read here, by plans, flows and the view.
-- Locks: none.
SELECT DISTINCT ON (d.name)
  d.name,
  d.value,
  d.approved_by,
  d.reason,
  d.decided_at
FROM artwork_migration.decision AS d
ORDER BY d.name, d.number DESC

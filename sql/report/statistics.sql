-- What: the figures of one run.
-- Why: what the report's plots and tables are made of.
-- Locks: none.
SELECT
  f.name,
  f.label,
  f.detail,
  f.value
FROM artwork_migration.statistic AS f
WHERE f.run = :run
ORDER BY f.name, f.label, f.detail

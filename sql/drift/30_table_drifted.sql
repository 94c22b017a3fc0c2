-- What: a column, a constraint or a unique index of the legacy table has come, gone or changed since deploy_schema.
-- Why: the mapping does not know the column, and its values would stay in the retired table; a stricter legacy table refuses what the clean
--   side writes through.
-- Locks: none.
-- Remedy: Take it back; or decide accept_drift with these words before the colon (several: with commas), and it stays as it is; or go
--   back with roll_back to=NOT_STARTED and deploy_schema anew.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind IN ('column', 'key')
ORDER BY l.subject

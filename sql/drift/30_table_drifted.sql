-- What: a column, a constraint or a unique index of the legacy table was added, dropped or changed after deploy_schema.
-- Why: the mapping does not know the new column, and its values would stay in the retired table. A stricter legacy table rejects what the
--   clean table writes through.
-- Locks: none.
-- Remedy: Undo the change. Or accept it: run decide accept_drift with the words before the colon (several, separated by commas). Or run
--   roll_back to=NOT_STARTED and deploy_schema again.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.drift AS l
WHERE l.kind IN ('column', 'key')
ORDER BY l.subject

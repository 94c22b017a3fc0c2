-- What: a column, a constraint or a unique index of the legacy table was added, dropped or changed after deploy-schema. An index that is
--   INVALID is called so: an operation that failed has left it behind, or is still at work on it.
-- Why: the mapping does not know the new column, and its values would stay in the retired table. A stricter legacy table rejects what the
--   clean table writes through. An INVALID unique index may reject rows too.
-- Locks: none.
-- Remedy: Undo the change. Or accept it: run decide accept_drift with the words before the colon (several, separated by commas). Or run
--   `roll-back --to NOT_STARTED` and `deploy-schema` again.
SELECT
  l.subject,
  CASE
    WHEN i.indexrelid IS NULL THEN l.problem
    ELSE 'it is INVALID: CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY has failed and left it behind, or is still running.'
  END AS problem,
  CASE
    WHEN i.indexrelid IS NOT NULL THEN 'Wait if the operation is running (pg_stat_progress_create_index). Otherwise drop the index.'
  END AS remedy,
  'DROP INDEX CONCURRENTLY ' || i.indexrelid::regclass AS statement
FROM artwork_migration.drift AS l
LEFT JOIN pg_catalog.pg_index AS i
  ON NOT i.indisvalid AND i.indrelid = TO_REGCLASS('public.artworks') AND l.subject = 'index ' || i.indexrelid::regclass
WHERE l.kind IN ('column', 'key')
ORDER BY l.subject

-- What: an earlier roll back was stopped after its commit and has steps left.
-- Why: the users that we created, and the old ledger, would be mixed with new ones.
-- Locks: none.
-- Remedy: Run `roll-back` again: it does the steps that are left.
SELECT
  'schema artwork_migration' AS subject,
  'an earlier roll back has steps left.' AS problem
WHERE TO_REGCLASS('artwork_migration.created_user') IS NOT NULL

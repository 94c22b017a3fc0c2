-- What: an earlier roll-back has taken everything away but what it does after its lock.
-- Why: users we created and the old ledger would be mixed up with the new ones.
-- Locks: none.
-- Remedy: Run roll_back again; it does what is left.
SELECT
  'schema artwork_migration' AS subject,
  'an earlier roll-back has work left in it.' AS problem
WHERE TO_REGCLASS('artwork_migration.created_user') IS NOT NULL

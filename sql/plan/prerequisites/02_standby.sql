-- What: the server is a standby.
-- Why: nothing can be written there.
-- Locks: none.
-- Remedy: Point ARTWORK_DATABASE_URL at the primary.
SELECT
  'database ' || CURRENT_DATABASE() AS subject,
  'the server is a standby and takes no writes.' AS problem
WHERE PG_IS_IN_RECOVERY()

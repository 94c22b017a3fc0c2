-- What: the server is a standby.
-- Why: a standby accepts no writes.
-- Locks: none.
-- Remedy: Set ARTWORK_DATABASE_URL to the primary server.
SELECT
  'database ' || CURRENT_DATABASE() AS subject,
  'the server is a standby and accepts no writes.' AS problem
WHERE PG_IS_IN_RECOVERY()

-- What: claims the next chunk by locking its row: the lock is the claim, so there is no claimed state to clean up after a crash.
-- Why: a chunk whose row is locked is still being copied, perhaps by a backend whose client has died.
-- Locks: the chunk's row.
SELECT
  c.number,
  c.first_block,
  c.end_block
FROM artwork_migration.chunk AS c
WHERE c.done_at IS NULL
ORDER BY c.number
LIMIT 1
FOR UPDATE SKIP LOCKED

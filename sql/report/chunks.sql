-- What: what the backfill copied in one run, and how long its chunks took.
-- Why: the rate tells how long the next, larger database will take.
-- Locks: none.
SELECT
  COUNT(*) AS chunks,
  COALESCE(SUM(c.copied), 0)::bigint AS copied,
  COALESCE(SUM(EXTRACT(EPOCH FROM c.done_at - c.begun_at)), 0)::float8 AS seconds,
  COALESCE(MAX(EXTRACT(EPOCH FROM c.done_at - c.begun_at)), 0)::float8 AS longest
FROM artwork_migration.chunk AS c
WHERE c.run = :run AND c.done_at IS NOT NULL

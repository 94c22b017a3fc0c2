-- What: the artworks of the customers whom a move concerns, and whether another table serves these customers by now.
-- Why: the plan counts them before the move; the run keeps them in the table of this name for its gate.
-- Locks: ACCESS SHARE on both tables.
SELECT
  a.id,
  a.is_clean,
  a.key,
  CAST(:served_by AS text) AS moved_to,
  -- an array, because the planner may look a bucket up in the view for each artwork
  COALESCE(
    o.served_by = 'clean', (ARRAY(SELECT s.served_by = 'clean' FROM artwork_migration.share_served AS s ORDER BY s.bucket))[a.bucket + 1]
  ) <> (CAST(:served_by AS text) = 'clean') AS moves,
  o.key IS NOT NULL AS single
FROM artwork_migration.customer_artwork AS a
LEFT JOIN artwork_migration.single_served AS o ON a.key = o.key
LEFT JOIN (SELECT DISTINCT DECODE(n.key, 'hex') AS key FROM UNNEST(CAST(:keys AS text[])) AS n (key)) AS w ON a.key = w.key
WHERE w.key IS NOT NULL OR (a.bucket >= CAST(:first_bucket AS bigint) AND a.bucket < CAST(:past_bucket AS bigint))

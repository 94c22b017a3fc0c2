-- What: a share in which there is no customer.
-- Why: a move of nobody is no success.
-- Locks: ACCESS SHARE on both tables.
-- Remedy: Choose a larger share, then plan again.
SELECT
  'the share' AS subject,
  'no customer is in it.' AS problem
WHERE
  CAST(:past_bucket AS bigint) > CAST(:first_bucket AS bigint)
  AND NOT EXISTS (
    SELECT FROM artwork_migration.customer_artwork AS a
    WHERE a.bucket >= CAST(:first_bucket AS bigint) AND a.bucket < CAST(:past_bucket AS bigint)
  )

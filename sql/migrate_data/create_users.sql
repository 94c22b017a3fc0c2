-- What: creates the anonymous users of the next :batch_size waiting e-mails.
-- Why: strategy, Phase 2, in batches.
-- Inverse: roll_back(to=NOT_STARTED) removes the users in created_user that nothing references.
-- Locks: ROW EXCLUSIVE on public.users; a sign-up with one of these e-mails waits for the commit.
WITH batch AS (
  DELETE FROM artwork_migration.waiting_email AS w
  WHERE w.email IN (SELECT x.email FROM artwork_migration.waiting_email AS x ORDER BY x.email LIMIT :batch_size)
  RETURNING w.email
)

SELECT
  CARDINALITY(b.emails) AS taken,
  artwork_migration.create_users(b.emails) AS created
FROM (SELECT ARRAY_AGG(batch.email ORDER BY batch.email) AS emails FROM batch) AS b
WHERE b.emails IS NOT NULL

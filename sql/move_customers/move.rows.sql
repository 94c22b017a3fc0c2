-- What: puts the move in force: who is concerned, and the table that serves them from its commit on.
-- Why: `artwork_migration.run` is the epoch of the run that executes it, for this transaction. The keys are in the text, so the plan's
--   number depends on each customer.
-- Inverse: a later move.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  'move of customers' AS object,
  FORMAT(
    $do$INSERT INTO artwork_migration.customer_move (run, served_by, first_bucket, past_bucket)
VALUES (CURRENT_SETTING('artwork_migration.run')::bigint, %L, %s, %s);
INSERT INTO artwork_migration.customer_move_key (key, run)
SELECT DISTINCT DECODE(k.key, 'hex'), CURRENT_SETTING('artwork_migration.run')::bigint FROM UNNEST(%L::text[]) AS k (key)$do$,
    CAST(:served_by AS text),
    CAST(:first_bucket AS bigint),
    CAST(:past_bucket AS bigint),
    CAST(:keys AS text[])
  ) AS "do"

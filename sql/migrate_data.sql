-- The steps of migrate_data in their order, around the copy of a chunk (deploy_schema/47_copy_block_range.sql). The condition on
-- row_counter is always true: it counts the rows of the legacy table as they are read (progress.sql). It names the id so that it belongs to
-- the scan.

-- name: find_quarantined
-- What: decides for every eligible row whether it is in quarantine, before the copy.
-- Why: a row that the clean table cannot take is listed with its reason; it causes no error in the middle of a chunk. Duplicates are found
--   by one grouping, because the row-by-row search of the batches would be slow over the whole table.
-- Inverse: DELETE FROM artwork_migration.quarantine
-- Locks: ACCESS SHARE on public.artworks.
DELETE FROM artwork_migration.quarantine;

INSERT INTO artwork_migration.quarantine (id, reason)
SELECT
  l.id,
  COALESCE(l.defect, 'duplicate_access_token') AS reason
FROM (
  SELECT
    a.id,
    a.defect,
    ROW_NUMBER() OVER (PARTITION BY a.access_token, a.defect IS NULL ORDER BY NOT a.touched, a.created_at, a.id) AS place
  FROM artwork_migration.legacy_artwork AS a
  WHERE a.disposition = 'eligible' AND CASE WHEN a.id IS NOT NULL THEN NEXTVAL('artwork_migration.row_counter') END IS NOT NULL
) AS l
WHERE l.defect IS NOT NULL OR l.place > 1;

-- name: collect_emails
-- What: collects the e-mails of customers without a user, numbered in the order in which their users are created.
-- Why: it reads the table once; the users are then created in small transactions, so that a sign-up never waits long for its e-mail. Of two
--   spellings that users takes for one, that in small letters gets the user.
-- Inverse: DELETE FROM artwork_migration.waiting_email
-- Locks: ACCESS SHARE on public.artworks and public.users.
DELETE FROM artwork_migration.waiting_email;

INSERT INTO artwork_migration.waiting_email (number, email)
SELECT
  ROW_NUMBER() OVER (ORDER BY e.email <> LOWER(e.email), e.email) AS number,
  e.email
FROM (
  SELECT DISTINCT l.customer_email AS email
  FROM artwork_migration.legacy_artwork AS l
  WHERE l.needs_user AND CASE WHEN l.id IS NOT NULL THEN NEXTVAL('artwork_migration.row_counter') END IS NOT NULL
) AS e;

-- name: create_users
-- What: creates the anonymous users of the next :batch_size waiting e-mails.
-- Why: strategy, Phase 2, in batches.
-- Inverse: roll-back --to NOT_STARTED removes the users in created_user that nothing references.
-- Locks: ROW EXCLUSIVE on public.users; a sign-up with one of these e-mails waits for the commit.
WITH batch AS (
  DELETE FROM artwork_migration.waiting_email AS w
  WHERE w.number = ANY(ARRAY(SELECT x.number FROM artwork_migration.waiting_email AS x ORDER BY x.number LIMIT :batch_size))
  RETURNING w.email
)

SELECT
  n.created,
  n.failed,
  n.refusal
FROM (SELECT ARRAY_AGG(batch.email ORDER BY batch.email) AS emails FROM batch) AS b
CROSS JOIN LATERAL artwork_migration.create_users(b.emails) AS n
WHERE b.emails IS NOT NULL;

-- name: find_without_user
-- What: puts the rows whose user could not be created in quarantine, before the copy. Returns how many.
-- Why: an artwork without an owner is not migrated in silence. It runs only if the table users has refused a user. A row of a customer who
--   has just come goes to quarantine too; catch-up decides every row in quarantine anew.
-- Inverse: DELETE FROM artwork_migration.quarantine
-- Locks: ACCESS SHARE on public.artworks and public.users.
INSERT INTO artwork_migration.quarantine (id, reason)
SELECT
  l.id,
  'no_user' AS reason
FROM artwork_migration.legacy_artwork AS l
WHERE l.disposition = 'eligible' AND l.needs_user AND l.user_id IS NULL
ON CONFLICT (id) DO NOTHING;

-- name: chunks_hold
-- What: whether the chunks that are left were planned for the table as it is now.
-- Why: after a rewrite their blocks hold other rows. Completed chunks need not be repeated: rows that moved later are in the log.
-- Locks: none.
SELECT COUNT(*) > 0 AND BOOL_AND(c.done_at IS NOT NULL OR c.file_node = PG_RELATION_FILENODE('public.artworks'::regclass)) AS hold
FROM artwork_migration.chunk AS c;

-- name: plan_chunks
-- What: divides the legacy table into chunks, half as many as there may be (:most); the last one has no end. A chunk has at
--   most :blocks blocks, unless the table would have more than :most chunks.
-- Why: a TID range scan reads a block range whatever the ids look like. The file node records which table a chunk was planned for: a
--   rewrite (VACUUM FULL, CLUSTER) moves the rows to other blocks.
-- Inverse: DELETE FROM artwork_migration.chunk
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.chunk (number, first_block, end_block, file_node, run)
SELECT
  ROW_NUMBER() OVER (ORDER BY s.first_block),
  s.first_block,
  LEAD(s.first_block) OVER (ORDER BY s.first_block),
  PG_RELATION_FILENODE('public.artworks'::regclass),
  :run
FROM (
  SELECT PG_RELATION_SIZE('public.artworks'::regclass) / CURRENT_SETTING('block_size')::bigint AS blocks
) AS t
CROSS JOIN LATERAL GENERATE_SERIES(
  0::bigint,
  GREATEST(0, t.blocks - 1),
  GREATEST(
    CEIL(t.blocks::numeric / CAST(:most AS bigint))::bigint,
    LEAST(CAST(:blocks AS bigint), GREATEST(256, 2 * t.blocks / CAST(:most AS bigint)))
  )
) AS s (first_block);

-- name: take_chunks
-- What: makes the chunks that are left those of this run.
-- Why: a run that was killed leaves chunks. Others may join in copying them once quarantine and users are those of this run.
-- Locks: the rows of these chunks.
UPDATE artwork_migration.chunk AS c SET run = :run
WHERE c.done_at IS NULL AND c.run <> :run;

-- name: divide_chunks
-- What: divides the chunks that nobody has claimed into chunks of :blocks blocks, if they have twice as many.
-- Why: a chunk took longer than it should. The last part keeps the end of the chunk, so that the last chunk still has none.
-- Locks: the rows of these chunks.
WITH large AS (
  SELECT
    c.number,
    c.first_block,
    c.end_block,
    c.file_node,
    c.run,
    COALESCE(c.end_block, PG_RELATION_SIZE('public.artworks'::regclass) / CURRENT_SETTING('block_size')::bigint) AS last_block
  FROM artwork_migration.chunk AS c
  WHERE c.done_at IS NULL
  FOR UPDATE SKIP LOCKED
),

part AS (
  SELECT
    l.number AS of_number,
    l.file_node,
    l.run,
    s.first_block,
    COALESCE(LEAD(s.first_block) OVER (PARTITION BY l.number ORDER BY s.first_block), l.end_block) AS end_block,
    s.first_block = l.first_block AS is_first
  FROM large AS l
  CROSS JOIN LATERAL GENERATE_SERIES(l.first_block, l.last_block - 1, CAST(:blocks AS bigint)) AS s (first_block)
  WHERE l.last_block - l.first_block >= 2 * CAST(:blocks AS bigint)
),

shortened AS (
  UPDATE artwork_migration.chunk AS c SET end_block = p.end_block
  FROM part AS p
  WHERE c.number = p.of_number AND p.is_first
)

INSERT INTO artwork_migration.chunk (number, first_block, end_block, file_node, run)
SELECT
  (SELECT MAX(n.number) FROM artwork_migration.chunk AS n) + ROW_NUMBER() OVER (ORDER BY p.first_block),
  p.first_block,
  p.end_block,
  p.file_node,
  p.run
FROM part AS p
WHERE NOT p.is_first;

-- name: claim_chunk
-- What: claims the next chunk by locking its row: the lock is the claim, so a crash leaves no claim to clean up. Returns its size and that
--   of the table too.
-- Why: a chunk whose row is locked is still being copied, perhaps by a backend whose client has died. After a rewrite of the table nobody
--   claims one: the run that leads must lock them all to divide the table again.
-- Locks: the chunk's row.
SELECT
  c.number,
  c.first_block,
  c.end_block,
  COALESCE(c.end_block, t.blocks) - c.first_block AS blocks,
  t.blocks AS table_blocks
FROM artwork_migration.chunk AS c
CROSS JOIN (
  SELECT PG_RELATION_SIZE('public.artworks'::regclass) / CURRENT_SETTING('block_size')::bigint AS blocks
) AS t
WHERE c.done_at IS NULL AND c.file_node = PG_RELATION_FILENODE('public.artworks'::regclass)
ORDER BY c.number
LIMIT 1
FOR UPDATE OF c SKIP LOCKED;

-- name: finish_chunk
-- What: marks the chunk as done, if the table is still the one that it was planned for.
-- Why: the copy holds the table's lock by now, so the file node cannot change before the commit.
-- Locks: the chunk's row, held since it was claimed.
UPDATE artwork_migration.chunk AS c
SET
  copied = :copied,
  begun_at = TRANSACTION_TIMESTAMP(),
  done_at = CLOCK_TIMESTAMP(),
  run = :run
WHERE c.number = :number AND c.file_node = PG_RELATION_FILENODE('public.artworks'::regclass);

-- name: log_missing
-- What: logs every row that should be in the clean table and is not; catch-up reads it from the log.
-- Why: the anti-join pass: correctness depends neither on block ranges nor on a token being free at the time of the copy. A row that a red
--   reconciliation found wrong is logged too, except if the clean side has modified it: that one stays red until an operator has decided.
-- Locks: ACCESS SHARE on public.artworks, public.artworks_v2 and public.users.
INSERT INTO artwork_migration.legacy_change (ids)
SELECT ARRAY_AGG(x.id)
FROM (
  SELECT l.id
  FROM artwork_migration.legacy_artwork AS l
  WHERE
    l.migratable AND CASE WHEN l.id IS NOT NULL THEN NEXTVAL('artwork_migration.row_counter') END IS NOT NULL
    AND NOT EXISTS (SELECT FROM public.artworks_v2 AS c WHERE c.id = l.id)
    AND NOT EXISTS (SELECT FROM artwork_migration.quarantine AS q WHERE q.id = l.id)
  UNION
  SELECT q.id FROM artwork_migration.quarantine AS q
  UNION
  SELECT f.id FROM artwork_migration.finding AS f LEFT JOIN artwork_migration.clean_modified AS t ON f.id = t.id
  WHERE
    f.run = (SELECT MAX(r.run) FROM artwork_migration.reconciliation AS r)
    AND (
      f.rule IN ('missing', 'pending')
      OR (f.rule IN ('extra', 'differs') AND t.id IS NULL)
    )
) AS x
HAVING COUNT(*) > 0;

-- name: touch_in_flight
-- What: marks the artworks in flight as modified on the clean side and logs them, so that catch-up migrates them.
-- Why: it runs in batches before the lock, so that a few ids are left for the catch-up under the lock.
-- Inverse: none; a marked row stays on the clean side.
-- Locks: ACCESS SHARE on public.artworks.
WITH in_flight AS (
  INSERT INTO artwork_migration.clean_modified (id)
  SELECT l.id FROM artwork_migration.legacy_artwork AS l
  WHERE l.generation_status IN ('pending', 'processing') AND l.disposition = 'in_flight'
  -- sorted, so that they are all found before the first is inserted: a write to one of them on the clean side waits for the commit
  ORDER BY l.id
  ON CONFLICT (id) DO NOTHING
  RETURNING id
)

INSERT INTO artwork_migration.legacy_change (ids)
SELECT ARRAY_AGG(f.id) FROM in_flight AS f
HAVING COUNT(*) > 0;

-- name: log_ordered_test_data
-- What: logs the test data that another table references.
-- Why: a decision (ordered_test_data) has changed whether it is migrated, so catch-up must decide about it anew.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.legacy_change (ids)
SELECT ARRAY_AGG(a.id)
FROM public.artworks AS a
WHERE
  a.original_image_url LIKE 'test-%'
  AND a.id IN (SELECT r.id FROM artwork_migration.referenced_artwork AS r)
HAVING COUNT(*) > 0;

-- What a run has done by now, counted in a second session while the statement is still at work, and the table in which it is reported.

-- name: report
-- What: writes how far each step of a run is, in place of its last report; of other runs that report no more, nothing is kept.
-- Why: `status --watch` runs in another process. A killed run leaves its rows, and nobody else deletes them.
-- Locks: none on a table of the application.
WITH forgotten AS (
  DELETE FROM artwork_migration.progress AS p
  WHERE p.run_name <> :run_name AND p.seen_at < CLOCK_TIMESTAMP() - interval '1 minute'
)

INSERT INTO artwork_migration.progress AS p (
  run_name, place, step, depth, begun_at, unit, done, total, fraction, rate, seconds, idle, outcome
)
SELECT
  :run_name,
  s.place,
  s.step,
  s.depth,
  s.begun_at,
  s.unit,
  s.done,
  s.total,
  s.fraction,
  s.rate,
  s.seconds,
  s.idle,
  s.outcome
FROM
  JSONB_TO_RECORDSET(CAST(:steps AS jsonb))
    AS s (
      place bigint, step text, depth bigint, begun_at timestamptz, unit text, done bigint, total bigint, fraction float8, rate float8,
      seconds float8, idle float8, outcome text
    )
ON CONFLICT (run_name, place) DO UPDATE SET
  step = excluded.step,
  depth = excluded.depth,
  begun_at = excluded.begun_at,
  unit = excluded.unit,
  done = excluded.done,
  total = excluded.total,
  fraction = excluded.fraction,
  rate = excluded.rate,
  seconds = excluded.seconds,
  idle = excluded.idle,
  outcome = excluded.outcome,
  seen_at = CLOCK_TIMESTAMP()
WHERE p.outcome = '' OR p.begun_at <> excluded.begun_at;

-- name: forget
-- What: deletes the report of a run that has ended.
-- Why: the table is about runs that are active.
-- Locks: none on a table of the application.
DELETE FROM artwork_migration.progress AS p
WHERE p.run_name = :run_name;

-- name: reported
-- What: the steps of the runs that are active, and of runs that were killed, with the seconds since they were reported.
-- Why: the status shows them.
-- Locks: none.
SELECT
  p.run_name,
  EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - MAX(p.seen_at) OVER (PARTITION BY p.run_name)) AS unseen,
  p.step,
  p.depth,
  p.begun_at,
  p.unit,
  p.done,
  p.total,
  p.fraction,
  p.rate,
  p.seconds,
  p.idle,
  p.outcome
FROM artwork_migration.progress AS p
ORDER BY p.run_name, p.place;

-- name: rows_read
-- What: how many rows were read since row_counter was :since.
-- Why: a statement that reads a whole table adds 1 for each row. Unlike a table, a sequence shows that before the commit.
-- Locks: none.
SELECT c.last_value - CASE WHEN c.is_called THEN 0 ELSE 1 END - CAST(:since AS bigint) AS done
FROM artwork_migration.row_counter AS c;

-- name: chunks_copied
-- What: the share of the legacy table's blocks that is copied already.
-- Why: a run that resumes begins where the last one has ended.
-- Locks: none.
SELECT
  COALESCE(
    SUM(COALESCE(c.end_block, c.first_block + 1) - c.first_block) FILTER (WHERE c.done_at IS NOT NULL)
    / SUM(COALESCE(c.end_block, c.first_block + 1) - c.first_block),
    0
  ) AS copied
FROM artwork_migration.chunk AS c;

-- name: waiting_emails
-- What: how many e-mails wait for a user.
-- Why: so many users are created at most.
-- Locks: none.
SELECT COUNT(*) AS known
FROM artwork_migration.waiting_email;

-- name: rows_indexed
-- What: how many of the :known rows of the clean table have passed through the index that is being created. Its phases count each for
--   the share of the time that they take: the table is read, the index is written, and the table is read again.
-- Why: only the server knows how far CREATE INDEX CONCURRENTLY is.
-- Locks: none.
SELECT
  (
    CAST(:known AS bigint)
    * CASE p.phase
      WHEN 'building index: scanning table' THEN 0.25 * p.blocks_done / GREATEST(p.blocks_total, 1)
      WHEN 'building index: sorting live tuples' THEN 0.25
      WHEN 'building index: loading tuples in tree' THEN 0.5 + 0.15 * p.tuples_done / GREATEST(p.tuples_total, 1)
      WHEN 'waiting for writers before validation' THEN 0.65
      WHEN 'index validation: scanning index' THEN 0.65 + 0.05 * p.blocks_done / GREATEST(p.blocks_total, 1)
      WHEN 'index validation: sorting tuples' THEN 0.7
      WHEN 'index validation: scanning table' THEN 0.8 + 0.2 * p.blocks_done / GREATEST(p.blocks_total, 1)
      WHEN 'waiting for old snapshots' THEN 1
      ELSE 0
    END
  )::bigint AS done
FROM pg_catalog.pg_stat_progress_create_index AS p
WHERE p.datname = CURRENT_DATABASE() AND p.relid = 'public.artworks_v2'::regclass;

-- name: rows_vacuumed
-- What: how many of the :known rows of the clean table VACUUM has read; the sample of ANALYZE, which follows, counts for the rest.
-- Why: only the server knows how far it is.
-- Locks: none.
SELECT (CAST(:known AS bigint) * LEAST(1, 0.8 * v.heap_blks_scanned / GREATEST(v.heap_blks_total, 1)))::bigint AS done
FROM pg_catalog.pg_stat_progress_vacuum AS v
WHERE v.datname = CURRENT_DATABASE() AND v.relid = 'public.artworks_v2'::regclass
UNION ALL
SELECT (CAST(:known AS bigint) * (0.8 + 0.2 * a.sample_blks_scanned / GREATEST(a.sample_blks_total, 1)))::bigint AS done
FROM pg_catalog.pg_stat_progress_analyze AS a
WHERE a.datname = CURRENT_DATABASE() AND a.relid = 'public.artworks_v2'::regclass;

-- name: changes_to_carry_back
-- What: how many artworks were changed since the switch and are not carried back yet.
-- Why: so many are carried back at most.
-- Locks: none.
SELECT COUNT(DISTINCT x.id) AS known
FROM artwork_migration.clean_change AS l
CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
WHERE NOT l.carried_back;

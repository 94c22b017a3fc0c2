-- The ledger's phases, runs and decisions. Its tables are created by ledger/create.sql.

-- name: phase
-- What: the phase in force and the run that reached it.
-- Why: the phase is a fact of the ledger. A repeated run that stays in a phase does not change the row that a plan was made for.
-- Locks: none.
SELECT
  h.phase_after AS phase,
  h.run,
  h.ended_at AS since
FROM artwork_migration.phase_history AS h
WHERE h.phase_after IS NOT NULL AND h.phase_after <> h.phase_before
ORDER BY h.run DESC
LIMIT 1;

-- name: end_run
-- What: records how a run ended, and the phase that it reached.
-- Why: the phase's time and LSN are those of the transaction that reached it; the outcome says how the steps after it ended.
-- Locks: the run's row.
UPDATE artwork_migration.phase_history AS h
SET
  ended_at = CASE WHEN h.phase_after IS NULL THEN CLOCK_TIMESTAMP() ELSE h.ended_at END,
  lsn = CASE WHEN h.phase_after IS NULL THEN PG_CURRENT_WAL_LSN() ELSE h.lsn END,
  outcome = :outcome,
  phase_after = COALESCE(h.phase_after, CAST(:phase_after AS text)),
  details = h.details || CAST(:details AS jsonb)
WHERE
  h.run = :run
  AND (
    CAST(:phase_after AS text) IS NULL
    OR (h.phase_after IS NULL AND h.run = (SELECT MAX(n.run) FROM artwork_migration.phase_history AS n))
  );

-- name: decisions
-- What: the decisions in force: the newest row of each name. Who reviewed a report is no choice.
-- Why: plans, flows and the mapping view read here every choice that changes what is migrated.
-- Locks: none.
SELECT DISTINCT ON (d.name)
  d.name,
  d.value,
  d.approved_by,
  d.reason,
  d.decided_at
FROM artwork_migration.decision AS d
WHERE d.name <> 'reviewed'
ORDER BY d.name, d.number DESC;

-- name: steps_left
-- What: the steps that a run has left after the transaction that reached its phase.
-- Why: a run that was killed there must be started again, and the status says so.
-- Locks: none.
SELECT DISTINCT
  h.verb,
  s.name
FROM artwork_migration.step AS s
INNER JOIN artwork_migration.phase_history AS h ON s.run = h.run
WHERE s.done_at IS NULL
ORDER BY s.name;

-- name: exists
-- What: whether this database has a ledger that the role may read.
-- Why: the schema may be somebody else's, and to resolve a name in it would fail without the privilege to use it.
-- Locks: none.
SELECT EXISTS(
  SELECT FROM pg_catalog.pg_class AS c
  INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
  WHERE n.nspname = 'artwork_migration' AND c.relname = 'phase_history' AND HAS_SCHEMA_PRIVILEGE(n.oid, 'USAGE')
);

-- name: pause
-- What: the pause in force.
-- Why: every run reads it between two batches, and the status shows it.
-- Locks: none.
SELECT
  p.number,
  p.approved_by,
  p.reason,
  p.paused_at
FROM artwork_migration.pause AS p
WHERE p.resumed_at IS NULL
ORDER BY p.number DESC
LIMIT 1;

-- name: begin_wait
-- What: records what the run waits for, and that it waits unless that is recorded. Returns for how many seconds.
-- Why: other processes show it. A step that is repeated after a lost connection resumes the wait of the same run, so that it stays bounded.
-- Locks: the wait's row.
WITH known AS (
  UPDATE artwork_migration.wait AS w SET reason = :reason
  WHERE w.run = :run AND w.run_name = :run_name AND w.ended_at IS NULL
  RETURNING w.begun_at
),

begun AS (
  INSERT INTO artwork_migration.wait (run, run_name, reason)
  SELECT
    CAST(:run AS bigint) AS run,
    CAST(:run_name AS text) AS run_name,
    CAST(:reason AS text) AS reason
  WHERE NOT EXISTS (SELECT FROM known)
  RETURNING begun_at
)

SELECT EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - x.begun_at)::float AS seconds
FROM (
  SELECT k.begun_at FROM known AS k
  UNION ALL
  SELECT b.begun_at FROM begun AS b
) AS x;

-- name: end_wait
-- What: records that the run no longer waits. Returns for how many seconds it did.
-- Why: how long a run has waited stays on record.
-- Locks: the wait's row.
UPDATE artwork_migration.wait AS w SET ended_at = CLOCK_TIMESTAMP()
WHERE w.run = :run AND w.run_name = :run_name AND w.ended_at IS NULL
RETURNING EXTRACT(EPOCH FROM w.ended_at - w.begun_at)::float AS seconds;

-- name: lock_attempts
-- What: the attempts of a run to execute its statements under their locks, in their order.
-- Why: the report and the end message say for how long the application waited.
-- Locks: none.
SELECT
  a.outcome,
  a.seconds,
  a.lock_wait,
  a.longest_wait,
  a.statements
FROM artwork_migration.lock_attempt AS a
WHERE a.run = :run
ORDER BY a.number;

-- name: newest_lock_attempt
-- What: the newest run with an attempt under locks.
-- Why: the status says for how long the application waited for it.
-- Locks: none.
SELECT
  h.run,
  h.verb
FROM artwork_migration.phase_history AS h
WHERE h.run = (SELECT MAX(a.run) FROM artwork_migration.lock_attempt AS a);

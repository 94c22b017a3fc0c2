-- The ledger's phases, runs and decisions. Its tables are created by ledger/create.sql.

-- name: phase
-- What: the phase in force and the run that brought it.
-- Why: the phase is a fact of the ledger; a re-run that stays in a phase does not change the row a plan was made for.
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
-- What: notes how a run ended, and the phase that it brings.
-- Why: the phase's time and LSN are those of the transaction that brought it; how the steps after that ended is told by the outcome.
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
-- What: the decisions in force: the newest row of each name.
-- Why: every choice that changes what is migrated is read here, by plans, flows and the view.
-- Locks: none.
SELECT DISTINCT ON (d.name)
  d.name,
  d.value,
  d.approved_by,
  d.reason,
  d.decided_at
FROM artwork_migration.decision AS d
ORDER BY d.name, d.number DESC;

-- name: steps_left
-- What: the steps that a run has still to do after the transaction that brought its phase.
-- Why: killed there, it must be run again, and the status says so.
-- Locks: none.
SELECT DISTINCT
  h.verb,
  s.name
FROM artwork_migration.step AS s
INNER JOIN artwork_migration.phase_history AS h ON s.run = h.run
WHERE s.done_at IS NULL
ORDER BY s.name;

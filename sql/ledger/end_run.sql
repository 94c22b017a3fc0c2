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
  )

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
LIMIT 1

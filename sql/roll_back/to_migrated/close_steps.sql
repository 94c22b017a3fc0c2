-- What: what the switch has still to do need not be done any more.
-- Why: the names are the old ones again; its checks would look at the wrong tables.
-- Inverse: none; another switch has its own steps.
-- Locks: none on a table of the application.
-- Stage: locked
DELETE FROM artwork_migration.step AS s
USING artwork_migration.phase_history AS h
WHERE s.run = h.run AND h.verb = 'switch_over' AND s.done_at IS NULL

-- What: deletes the steps that the switch has left. The names change back by the column undo of switch_over/60_rename_tables.
-- Why: the tables have their old names again; the checks of the switch would look at the wrong ones.
-- Inverse: none; another switch has its own steps.
-- Locks: none on a table of the application.
-- Stage: locked
DELETE FROM artwork_migration.step AS s
USING artwork_migration.phase_history AS h
WHERE s.run = h.run AND h.verb = 'switch-over' AND s.done_at IS NULL

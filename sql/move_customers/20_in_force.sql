-- What: puts the move of this run in force.
-- Why: from its commit on artwork_schema_for answers with it, for all its customers at once.
-- Inverse: a later move.
-- Locks: none on a table of the application.
-- Stage: locked
UPDATE artwork_migration.customer_move AS m
SET
  in_force = TRUE,
  moved_at = CLOCK_TIMESTAMP()
WHERE m.run = (SELECT MAX(h.run) FROM artwork_migration.phase_history AS h)

-- What: ends the moves of customers that were in force before the switch.
-- Why: after a roll back the legacy table serves everybody, until customers are moved again.
-- Inverse: none; move-customers.
-- Locks: none on a table of the application.
-- Stage: locked
UPDATE artwork_migration.customer_move AS m SET in_force = FALSE WHERE m.in_force

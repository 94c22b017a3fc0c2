-- What: the list and the view go.
-- Why: the way back has asked them, and another switch makes its own.
-- Inverse: 16_dependent_at_switch.sql
-- Locks: none on a table of the application.
-- Stage: locked
DROP TABLE artwork_migration.dependent_at_switch;
DROP VIEW artwork_migration.bound_to_artworks;

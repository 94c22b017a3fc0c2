-- What: the view goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 42_expected_artwork.sql
-- Locks: none on a table of the application.
DROP VIEW artwork_migration.expected_artwork;

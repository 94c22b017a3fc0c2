-- What: artwork_schema_for goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 66_artwork_schema_for.sql
-- Locks: none on a table of the application.
DROP FUNCTION public.artwork_schema_for(text);

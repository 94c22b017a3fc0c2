-- What: create_artwork goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 60_create_artwork.sql
-- Locks: none on a table of the application.
DROP FUNCTION public.create_artwork(text, text, text, text, text);

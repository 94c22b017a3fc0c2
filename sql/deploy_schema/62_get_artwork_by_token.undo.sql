-- What: get_artwork_by_token goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 62_get_artwork_by_token.sql
-- Locks: none on a table of the application.
DROP FUNCTION public.get_artwork_by_token(text);

-- What: update_artwork_lifecycle goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 61_update_artwork_lifecycle.sql
-- Locks: none on a table of the application.
DROP FUNCTION public.update_artwork_lifecycle(uuid, jsonb);

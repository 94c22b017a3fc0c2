-- What: request_artwork_upscale goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 64_request_artwork_upscale.sql
-- Locks: none on a table of the application.
DROP FUNCTION public.request_artwork_upscale(uuid);

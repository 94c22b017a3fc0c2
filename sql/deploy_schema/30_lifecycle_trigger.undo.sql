-- What: the life-cycle trigger and the two functions behind it go.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 30_lifecycle_trigger.sql
-- Locks: ACCESS EXCLUSIVE on public.artworks_v2.
DROP TRIGGER IF EXISTS artworks_v2_lifecycle ON public.artworks_v2;
DROP FUNCTION public.artwork_lifecycle();
DROP FUNCTION public.raise_error(text, text);

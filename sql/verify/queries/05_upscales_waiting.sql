-- What: artworks whose upscaling has still to be done.
-- Why: the workers ask for them every few seconds.
-- Locks: ACCESS SHARE on public.artworks.
SELECT COUNT(*)
FROM public.artworks AS a
WHERE a.upscale_status IN ('pending', 'processing')

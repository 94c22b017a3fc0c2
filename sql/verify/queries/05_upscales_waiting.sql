-- What: artworks that wait for their upscaling.
-- Why: the workers run it every few seconds.
-- Locks: ACCESS SHARE on public.artworks.
SELECT COUNT(*)
FROM public.artworks AS a
WHERE a.upscale_status IN ('pending', 'processing')

-- What: artworks whose generation has still to be done.
-- Why: the workers ask for them every few seconds.
-- Locks: ACCESS SHARE on public.artworks.
SELECT COUNT(*)
FROM public.artworks AS a
WHERE a.generation_status IN ('pending', 'processing')

-- What: the generations completed last, with the times for the customer view's estimate.
-- Why: get_customer_artworks runs it whenever an artwork of the customer is being generated.
-- Locks: ACCESS SHARE on public.artworks.
SELECT a.generation_completed_at - a.generation_started_at AS duration
FROM public.artworks AS a
WHERE a.generation_started_at IS NOT NULL AND a.generation_completed_at IS NOT NULL
ORDER BY a.generation_completed_at DESC
LIMIT 50

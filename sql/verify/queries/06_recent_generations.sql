-- What: the generations that were completed last, with what the customer view's estimate is made of.
-- Why: get_customer_artworks asks for them whenever one of the customer's artworks is at work.
-- Locks: ACCESS SHARE on public.artworks.
SELECT a.generation_completed_at - a.generation_started_at AS duration
FROM public.artworks AS a
WHERE a.generation_started_at IS NOT NULL AND a.generation_completed_at IS NOT NULL
ORDER BY a.generation_completed_at DESC
LIMIT 50

-- What: the artwork that a customer's link opens.
-- Why: a link is opened all the time. The literal is nobody's; the plan is the same.
-- Locks: ACCESS SHARE on public.artworks.
SELECT a.id
FROM public.artworks AS a
WHERE a.access_token = 'no such token'

-- What: the artwork that a customer's link opens.
-- Why: customers open links all the time. No row has the literal; the plan is the same.
-- Locks: ACCESS SHARE on public.artworks.
SELECT a.id
FROM public.artworks AS a
WHERE a.access_token = 'no such token'

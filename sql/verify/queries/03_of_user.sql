-- What: the artworks of a user.
-- Why: row level security asks so, and deleting a user does. The literal is nobody's; the plan is the same.
-- Locks: ACCESS SHARE on public.artworks.
SELECT a.id
FROM public.artworks AS a
WHERE a.user_id = '00000000-0000-0000-0000-000000000000'

-- What: the artworks of a user.
-- Why: row level security runs it, and so does deleting a user. No row has the literal; the plan is the same.
-- Locks: ACCESS SHARE on public.artworks.
SELECT a.id
FROM public.artworks AS a
WHERE a.user_id = '00000000-0000-0000-0000-000000000000'

-- What: the artworks of an e-mail, newest first.
-- Why: the customer's own page runs it. No row has the literal; the plan is the same.
-- Locks: ACCESS SHARE on public.artworks.
SELECT a.id
FROM public.artworks AS a
WHERE a.customer_email = 'nobody@artwork-migration.invalid'
ORDER BY a.created_at DESC
LIMIT 20

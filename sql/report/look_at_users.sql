-- What: a few users with the artworks of their e-mail on both sides, as psql shows them; :ids is an array of ids.
-- Why: the report gives this query to whoever has to decide, because the report itself holds no value of a row.
-- Locks: ACCESS SHARE on both tables and public.users.
SELECT
  i.id,
  JSONB_PRETTY(TO_JSONB(u)) AS person,
  ARRAY(SELECT a.id FROM public.artworks AS a WHERE a.customer_email = u.email ORDER BY a.created_at) AS legacy_artworks,
  ARRAY(SELECT c.id FROM public.artworks_v2 AS c WHERE c.customer_email = u.email ORDER BY c.created_at) AS clean_artworks
FROM UNNEST(CAST(:ids AS uuid[])) AS i (id)
LEFT JOIN public.users AS u ON i.id = u.id

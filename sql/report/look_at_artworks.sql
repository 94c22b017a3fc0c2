-- What: both sides of a few artworks, as psql shows them; :ids is an array of ids.
-- Why: the report gives this query to whoever has to decide, because the report itself holds no value of a row.
-- Locks: ACCESS SHARE on both tables.
SELECT
  i.id,
  JSONB_PRETTY(TO_JSONB(a)) AS legacy,
  JSONB_PRETTY(TO_JSONB(c)) AS clean
FROM UNNEST(CAST(:ids AS uuid[])) AS i (id)
LEFT JOIN public.artworks AS a ON i.id = a.id
LEFT JOIN public.artworks_v2 AS c ON i.id = c.id

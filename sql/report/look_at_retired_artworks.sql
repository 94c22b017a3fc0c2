-- What: both sides of a few artworks after the switch, as psql shows them; :ids is an array of ids.
-- Why: as look_at_artworks, with the names the tables have while the clean table serves.
-- Locks: ACCESS SHARE on both tables.
SELECT
  i.id,
  JSONB_PRETTY(TO_JSONB(a)) AS legacy,
  JSONB_PRETTY(TO_JSONB(c)) AS clean
FROM UNNEST(CAST(:ids AS uuid[])) AS i (id)
LEFT JOIN public.artworks_old AS a ON i.id = a.id
LEFT JOIN public.artworks AS c ON i.id = c.id

-- What: clean artworks whose access token is parked by a catch-up, except those in transit: their id is in the log.
-- Why: a token that moved may be parked between two batches. Row and log are read in one snapshot.
-- Locks: ACCESS SHARE on public.artworks and public.artworks_v2.
SELECT
  c.id,
  ARRAY['access_token'] AS about
FROM public.artworks_v2 AS c
WHERE c.access_token LIKE 'parked:%' AND NOT EXISTS (SELECT FROM artwork_migration.pending_artwork AS p WHERE p.id = c.id);

-- Checked:
SELECT COUNT(*) FROM public.artworks_v2

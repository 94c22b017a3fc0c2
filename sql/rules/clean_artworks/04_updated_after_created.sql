-- What: clean artworks that were last changed before they were created.
-- Why: a clock was wrong, or a person wrote the times by hand. This is SQL because Great Expectations would fetch the times, and Postgres
--   has some that Python does not have (infinity, years above 9999).
-- Locks: ACCESS SHARE on public.artworks_v2.
SELECT
  c.id,
  ARRAY['updated_at'] AS about
FROM public.artworks_v2 AS c
WHERE c.updated_at < c.created_at;

-- Checked:
SELECT COUNT(*) FROM public.artworks_v2

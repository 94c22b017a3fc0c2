-- What: how many legacy rows each rule takes.
-- Why: what would stay behind is known before anything is created.
-- Locks: ACCESS SHARE on public.artworks.
SELECT
  COALESCE('quarantined: ' || CASE WHEN l.disposition = 'eligible' THEN l.defect END, l.disposition) AS disposition,
  COUNT(*) AS row_count
FROM legacy_artwork AS l
GROUP BY 1
ORDER BY 2 DESC, 1

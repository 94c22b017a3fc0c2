-- What: takes the artworks in flight into the clean side, by way of the log.
-- Why: done in batches before the lock, so that a handful is left for the catch-up under it.
-- Inverse: none; a touched row stays on the clean side.
-- Locks: ACCESS SHARE on public.artworks.
WITH in_flight AS (
  INSERT INTO artwork_migration.clean_modified (id)
  SELECT l.id FROM artwork_migration.legacy_artwork AS l
  WHERE l.generation_status IN ('pending', 'processing') AND l.disposition = 'in_flight'
  ON CONFLICT (id) DO NOTHING
  RETURNING id
)

INSERT INTO artwork_migration.legacy_change (ids)
SELECT ARRAY_AGG(f.id) FROM in_flight AS f
HAVING COUNT(*) > 0

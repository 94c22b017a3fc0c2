-- What: marks the artworks in flight of the customers who move to the clean table as modified there, and logs them: catch-up migrates them.
-- Why: the customer must see them, and the functions must find them, as at the switch.
-- Inverse: none; a marked row stays on the clean side.
-- Locks: ACCESS SHARE on public.artworks and public.users.
WITH in_flight AS (
  INSERT INTO artwork_migration.clean_modified (id)
  SELECT l.id FROM artwork_migration.legacy_artwork AS l
  INNER JOIN (
    SELECT DISTINCT m.id FROM artwork_migration.moving_artwork AS m WHERE m.moves AND m.moved_to = 'clean'
  ) AS n ON l.id = n.id
  WHERE l.generation_status IN ('pending', 'processing') AND l.disposition = 'in_flight'
  -- sorted, so that they are all found before the first is inserted: a write to one of them on the clean side waits for the commit
  ORDER BY l.id
  ON CONFLICT (id) DO NOTHING
  RETURNING id
)

INSERT INTO artwork_migration.legacy_change (ids)
SELECT ARRAY_AGG(f.id) FROM in_flight AS f
HAVING COUNT(*) > 0

-- What: what only the clean table holds and would be lost with it; it is exported to a file before.
-- Why: the reader of the plan must know what is given up.
-- Locks: ACCESS SHARE on public.artworks_v2.
SELECT
  (SELECT COUNT(*) FROM public.artworks_v2) AS clean_rows,
  (SELECT COUNT(*) FROM artwork_migration.clean_modified) AS rows_changed_on_the_clean_side,
  (SELECT COUNT(*) FROM artwork_migration.rejected_write) AS rejected_writes,
  (SELECT COUNT(*) FROM artwork_migration.created_user) AS users_created,
  -- with the write-through disabled, clean rows may hold values that no legacy row has
  ARRAY(SELECT l.subject FROM artwork_migration.drift AS l WHERE l.kind IN ('trigger', 'function', 'view') ORDER BY l.subject) AS drifted,
  COUNT(*) AS rows_with_values_only_on_the_clean_side
FROM public.artworks_v2 AS c
WHERE
  c.fal_request_id IS NOT NULL OR c.generation_params IS NOT NULL OR c.generation_started_at IS NOT NULL
  OR c.generation_completed_at IS NOT NULL OR c.upscale_started_at IS NOT NULL

-- What: by id, the values that only the clean table holds, kept as the table clean_only_value while the rest is dropped.
-- Why: law 6: what a roll back cannot carry is exported. No e-mail, token or name is among these values.
-- Locks: ACCESS SHARE on public.artworks_v2.
SELECT
  c.id,
  c.user_id,
  c.generation_status,
  c.generation_started_at,
  c.generation_completed_at,
  c.upscale_started_at,
  c.upscale_completed_at,
  c.upscale_status,
  c.upscaled_image_url,
  c.fal_request_id,
  c.generation_params
FROM public.artworks_v2 AS c
INNER JOIN artwork_migration.clean_modified AS t ON c.id = t.id

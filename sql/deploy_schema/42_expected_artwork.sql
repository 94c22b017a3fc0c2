-- What: what each clean row should be now: the mapped legacy row, keeping the clean side's own values where the legacy row does not
--   contradict them.
-- Why: catch-up writes it and reconcile compares with it, so the two cannot disagree. A clean status that the legacy table holds only as a
--   nearer one ('processing' as 'pending') is kept while legacy holds that nearer one. A column that legacy does not have belongs to the
--   clean side.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Stage: prepare
CREATE VIEW artwork_migration.expected_artwork AS
SELECT
  l.id,
  l.customer_name,
  l.customer_email,
  l.pet_name,
  l.pet_mom_image_url,
  l.pet_image_url,
  l.generated_image_url,
  c.generation_started_at,
  c.generation_completed_at,
  c.upscale_started_at,
  l.access_token,
  l.token_expires_at,
  /* carried: l.@, */
  c.fal_request_id,
  c.generation_params,
  l.created_at,
  l.updated_at,
  l.disposition,
  l.defect,
  l.migratable,
  l.touched,
  c AS clean,
  CASE WHEN l.touched AND NOT has.user_id THEN COALESCE(c.user_id, l.user_id) ELSE l.user_id END AS user_id,
  CASE
    WHEN l.touched AND artwork_migration.legacy_generation_status(c.generation_status) = l.generation_status THEN c.generation_status
    ELSE l.generation_status
  END AS generation_status,
  CASE
    WHEN c.id IS NULL THEN l.upscale_status
    WHEN NOT has.upscale_status THEN c.upscale_status
    WHEN l.touched AND artwork_migration.legacy_upscale_status(c.upscale_status) = l.legacy_upscale_status THEN c.upscale_status
    ELSE l.upscale_status
  END AS upscale_status,
  CASE WHEN has.upscaled_image_url THEN l.upscaled_image_url ELSE c.upscaled_image_url END AS upscaled_image_url,
  CASE WHEN has.upscaled_at THEN l.upscale_completed_at ELSE c.upscale_completed_at END AS upscale_completed_at
FROM artwork_migration.legacy_artwork AS l
LEFT JOIN public.artworks_v2 AS c ON l.id = c.id
CROSS JOIN (
  SELECT
    EXISTS(SELECT FROM artwork_migration.column_mapping AS m WHERE m.legacy_column = 'user_id') AS user_id,
    EXISTS(SELECT FROM artwork_migration.column_mapping AS m WHERE m.legacy_column = 'upscale_status') AS upscale_status,
    EXISTS(SELECT FROM artwork_migration.column_mapping AS m WHERE m.legacy_column = 'upscaled_image_url') AS upscaled_image_url,
    EXISTS(SELECT FROM artwork_migration.column_mapping AS m WHERE m.legacy_column = 'upscaled_at') AS upscaled_at
) AS has;

-- Undo:
DROP VIEW artwork_migration.expected_artwork;

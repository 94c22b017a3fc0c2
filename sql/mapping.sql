-- What: the clean column for each legacy column, and how its value is written back. `@` is the clean value.
-- Why: the reverse mapping is written once; write-through, the plan and the carry-back read it here. The forward mapping is
--   legacy_artwork.sql. `on_update` is false where an update of the clean column must not change the legacy column (original_image_url is
--   set on insert only). `same` tests whether the value written back (`@`) is the one that the legacy column (`#`) holds.
-- Locks: none; reads nothing.
SELECT
  m.position,
  m.clean_column,
  m.legacy_column,
  m.required,
  m.data_type,
  m.on_update,
  m.back,
  COALESCE(m.same, '@ IS NOT DISTINCT FROM #') AS same
FROM (
  VALUES
  (1, 'id', 'id', TRUE, 'uuid', FALSE, '@', NULL),
  (2, 'user_id', 'user_id', FALSE, 'uuid', TRUE, '@', '# IS NULL OR @ = #'),
  (3, 'customer_name', 'customer_name', TRUE, 'text', TRUE, '@', NULL),
  (4, 'customer_email', 'customer_email', TRUE, 'text', TRUE, '@', NULL),
  (5, 'pet_name', 'pet_name', TRUE, 'text', TRUE, '@', NULL),
  (
    6, 'pet_mom_image_url', 'original_pet_mom_url', TRUE, 'text', TRUE,
    'nullif(@, ''migrated-missing'')', '@ IS NOT DISTINCT FROM nullif(#, ''migrated-missing'')'
  ),
  (
    7, 'pet_image_url', 'original_pet_url', TRUE, 'text', TRUE,
    'nullif(@, ''migrated-missing'')', '@ IS NOT DISTINCT FROM nullif(#, ''migrated-missing'')'
  ),
  (8, 'pet_mom_image_url', 'original_image_url', TRUE, 'text', FALSE, 'nullif(@, ''migrated-missing'')', NULL),
  (9, 'generated_image_url', 'generated_image_url', TRUE, 'text', TRUE, '@', NULL),
  (10, 'upscaled_image_url', 'upscaled_image_url', FALSE, 'text', TRUE, '@', NULL),
  (11, 'generation_status', 'generation_status', TRUE, 'text', TRUE, 'artwork_migration.legacy_generation_status(@)', NULL),
  (
    12, 'upscale_status', 'upscale_status', FALSE, 'text', TRUE,
    'artwork_migration.legacy_upscale_status(@)', '@ = # OR @ IN (''not_required'', ''pending'') AND coalesce(#, ''pending'') = ''pending'''
  ),
  (13, 'upscale_completed_at', 'upscaled_at', FALSE, 'timestamptz', TRUE, '@', NULL),
  (14, 'access_token', 'access_token', TRUE, 'text', TRUE, '@', NULL),
  (15, 'token_expires_at', 'token_expires_at', TRUE, 'timestamptz', TRUE, '@', NULL),
  (16, 'created_at', 'created_at', TRUE, 'timestamptz', TRUE, '@', NULL),
  (17, 'updated_at', 'updated_at', TRUE, 'timestamptz', TRUE, '@', NULL)
) AS m (position, clean_column, legacy_column, required, data_type, on_update, back, same)
ORDER BY m.position

-- What: the clean column for each legacy column, and how its value is written back. `@` is the clean value.
-- Why: the reverse mapping is written once; write-through, the plan and the carry-back read it here. The forward mapping is
--   legacy_artwork.sql. `on_update` is false where an update of the clean column must not change the legacy column (original_image_url is
--   set on insert only). `same` tests whether the value written back (`@`) is the one that the legacy column (`#`) holds; `unchanged` is
--   true if both columns always hold the same value. A new clean row gets the value from the clean column's own default (`filled` is
--   'default'), from create_artwork ('given') or later. A text column takes the legacy column's type if that has room for so many
--   characters (`room`): for our own texts, like statuses and tokens.
-- Locks: none; reads nothing.
SELECT
  m.position,
  m.clean_column,
  m.legacy_column,
  m.required,
  m.data_type,
  m.on_update,
  m.back,
  COALESCE(m.same, '@ IS NOT DISTINCT FROM #') AS same,
  m.back = '@' AND m.same IS NULL AS unchanged,
  m.filled,
  COALESCE(m.room, 0) AS room
FROM (
  VALUES
  (1, 'id', 'id', TRUE, 'uuid', FALSE, '@', NULL, 'default', NULL),
  (2, 'user_id', 'user_id', FALSE, 'uuid', TRUE, '@', '# IS NULL OR @ = #', 'given', NULL),
  (3, 'customer_name', 'customer_name', TRUE, 'text', TRUE, '@', NULL, 'given', NULL),
  (4, 'customer_email', 'customer_email', TRUE, 'text', TRUE, '@', NULL, 'given', NULL),
  (5, 'pet_name', 'pet_name', TRUE, 'text', TRUE, '@', NULL, 'given', NULL),
  (
    6, 'pet_mom_image_url', 'original_pet_mom_url', TRUE, 'text', TRUE,
    'nullif(@, ''migrated-missing'')', '@ IS NOT DISTINCT FROM nullif(#, ''migrated-missing'')', 'given', 16
  ),
  (
    7, 'pet_image_url', 'original_pet_url', TRUE, 'text', TRUE,
    'nullif(@, ''migrated-missing'')', '@ IS NOT DISTINCT FROM nullif(#, ''migrated-missing'')', 'given', 16
  ),
  (8, 'pet_mom_image_url', 'original_image_url', TRUE, 'text', FALSE, 'nullif(@, ''migrated-missing'')', NULL, 'given', NULL),
  (9, 'generated_image_url', 'generated_image_url', TRUE, 'text', TRUE, '@', NULL, NULL, NULL),
  (10, 'upscaled_image_url', 'upscaled_image_url', FALSE, 'text', TRUE, '@', NULL, NULL, NULL),
  (
    11, 'generation_status', 'generation_status', TRUE, 'text', TRUE, 'artwork_migration.legacy_generation_status(@)', NULL,
    'default', 10
  ),
  (
    12, 'upscale_status', 'upscale_status', FALSE, 'text', TRUE,
    'artwork_migration.legacy_upscale_status(@)',
    '@ = # OR @ IN (''not_required'', ''pending'') AND coalesce(#, ''pending'') = ''pending''', 'default', 11
  ),
  (13, 'upscale_completed_at', 'upscaled_at', FALSE, 'timestamptz', TRUE, '@', NULL, NULL, NULL),
  (14, 'access_token', 'access_token', TRUE, 'text', TRUE, '@', NULL, 'given', 64),
  (15, 'token_expires_at', 'token_expires_at', TRUE, 'timestamptz', TRUE, '@', NULL, 'given', NULL),
  (16, 'created_at', 'created_at', TRUE, 'timestamptz', TRUE, '@', NULL, 'default', NULL),
  (17, 'updated_at', 'updated_at', TRUE, 'timestamptz', TRUE, '@', NULL, 'default', NULL)
) AS m (position, clean_column, legacy_column, required, data_type, on_update, back, same, filled, room)
ORDER BY m.position

-- What: every legacy row as the clean table should hold it, with its disposition: the mapping and the rules, written once.
-- Why: backfill, catch-up, reconcile, plan and report read the same text. It has no window function and LEFT JOINs only, so that a block
--   range on row_ctid stays a TID range scan and no legacy row is lost. It names users, owner_table, clean_modified, referenced_artwork and
--   decision without a schema: the view binds them to ours, and a plan made before those exist gives stand-ins. Columns that not every
--   deployment has (user_id, upscale_*) are named without a qualifier: if the legacy table does not have one, the name resolves to the NULL
--   of that name in `absent`. The stored view contains the resolved column. The comments "carried" and "sampled" are explained in
--   sql/__init__.py.
-- Locks: ACCESS SHARE on what it reads.
-- Given: users, owner_table, clean_modified, referenced_artwork, decision
SELECT
  mapped.*,
  -- A plain AND would be estimated at a handful of rows, and every chunk planned as a nested loop; inside COALESCE it counts as half.
  COALESCE(mapped.disposition = 'eligible' AND mapped.defect IS NULL, FALSE) AS migratable
FROM (
  SELECT
    legacy.row_ctid,
    legacy.id,
    legacy.legacy_user_id,
    owner.id AS email_user_id,
    COALESCE(legacy.legacy_user_id, owner.id) AS user_id,
    owner.id IS NULL AND BTRIM(legacy.customer_email, E' \t\r\n') <> '' AND OCTET_LENGTH(legacy.customer_email) <= 2600
    AND (SELECT owner_table.creates_users FROM owner_table) AS needs_user,
    legacy.customer_name,
    legacy.customer_email,
    legacy.pet_name,
    COALESCE(legacy.original_pet_mom_url, 'migrated-missing') AS pet_mom_image_url,
    COALESCE(legacy.original_pet_url, 'migrated-missing') AS pet_image_url,
    legacy.generated_image_url,
    legacy.upscaled_image_url,
    legacy.generation_status,
    CASE
      WHEN legacy.upscale_status IS NULL OR legacy.upscale_status = 'not_required' THEN 'not_started'
      -- 'pending' with nothing to show for it is only the column's default
      WHEN
        legacy.upscale_status = 'pending' AND legacy.upscaled_image_url IS NULL AND legacy.upscaled_at IS NULL
        AND NOT EXISTS (SELECT FROM referenced_artwork WHERE referenced_artwork.id = legacy.id)
        THEN 'not_started'
      ELSE legacy.upscale_status
    END AS upscale_status,
    legacy.upscaled_at AS upscale_completed_at,
    legacy.access_token,
    legacy.token_expires_at,
    legacy.created_at,
    legacy.updated_at,
    legacy.original_image_url,
    legacy.upscale_status AS legacy_upscale_status,
    /* carried: legacy.@, */
    EXISTS(SELECT FROM clean_modified WHERE clean_modified.id = legacy.id) AS touched,
    CASE
      WHEN EXISTS (SELECT FROM clean_modified WHERE clean_modified.id = legacy.id) THEN 'eligible'
      -- an order of a test is an order: it must not lose its artwork
      WHEN
        legacy.original_image_url LIKE 'test-%'
        AND NOT (
          COALESCE((SELECT d.value FROM decision AS d WHERE d.name = 'ordered_test_data' ORDER BY d.number DESC LIMIT 1), '') = 'migrate'
          AND EXISTS (SELECT FROM referenced_artwork WHERE referenced_artwork.id = legacy.id)
        )
        THEN 'test_data'
      WHEN COALESCE(BTRIM(legacy.customer_email, E' \t\r\n'), '') = '' THEN 'no_email'
      WHEN COALESCE(BTRIM(legacy.access_token, E' \t\r\n'), '') = '' THEN 'no_access_token'
      WHEN legacy.generation_status = 'completed' THEN 'eligible'
      WHEN EXISTS (SELECT FROM referenced_artwork WHERE referenced_artwork.id = legacy.id) THEN 'eligible'
      WHEN legacy.generation_status IN ('pending', 'processing')
        THEN
          CASE
            WHEN
              COALESCE(legacy.updated_at, legacy.created_at) > NOW() - COALESCE(
                (SELECT d.value::interval FROM decision AS d WHERE d.name = 'in_flight_age' ORDER BY d.number DESC LIMIT 1),
                interval '15 minutes'
              )
              THEN 'in_flight'
            ELSE 'abandoned'
          END
      ELSE 'not_completed'
    END AS disposition,
    CASE
      -- the clean side works with the row, and legacy has taken away what it cannot be without
      WHEN legacy.customer_email IS NULL THEN 'no_email'
      WHEN legacy.access_token IS NULL THEN 'no_access_token'
      -- a B-tree takes no more than a third of a page, with whatever else is in the key
      WHEN OCTET_LENGTH(legacy.customer_email) > 2600 OR OCTET_LENGTH(legacy.access_token) > 2600 THEN 'too_long_to_index'
      WHEN legacy.created_at IS NULL THEN 'no_created_at'
      WHEN legacy.updated_at IS NULL THEN 'no_updated_at'
      WHEN
        legacy.generation_status IS NULL
        OR legacy.generation_status NOT IN ('pending', 'processing', 'completed', 'failed')
        OR COALESCE(legacy.upscale_status, 'pending') NOT IN ('not_required', 'pending', 'processing', 'completed', 'failed')
        THEN 'unknown_status'
    END AS defect
  FROM
    (
      SELECT
        NULL::uuid AS user_id,
        NULL::text AS upscaled_image_url,
        NULL::text AS upscale_status,
        NULL::timestamptz AS upscaled_at
    )
      AS absent
  CROSS JOIN
    LATERAL (
      SELECT
        artworks.ctid AS row_ctid,
        artworks.id,
        /* carried: artworks.@, */
        user_id AS legacy_user_id,
        artworks.customer_name::text AS customer_name,
        artworks.customer_email::text AS customer_email,
        artworks.pet_name::text AS pet_name,
        artworks.original_pet_mom_url::text AS original_pet_mom_url,
        artworks.original_pet_url::text AS original_pet_url,
        artworks.original_image_url::text AS original_image_url,
        artworks.generated_image_url::text AS generated_image_url,
        upscaled_image_url::text AS upscaled_image_url,
        artworks.generation_status::text AS generation_status,
        upscale_status::text AS upscale_status,
        upscaled_at,
        artworks.access_token::text AS access_token,
        artworks.token_expires_at,
        artworks.created_at,
        artworks.updated_at
      FROM public.artworks /* sampled */
    ) AS legacy
  LEFT JOIN users AS owner ON legacy.customer_email = owner.email
) AS mapped

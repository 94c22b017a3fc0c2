-- What: update_artwork_lifecycle: sets on one artwork what is given in `changes` (statuses, urls, request, names, pictures, the end of its
--   link) and returns it.
-- Why: strategy, "New Artwork Creation Flow", steps 3 to 6; and to correct a name or a picture, or to renew a link, must not take a
--   statement that is another one after the switch. A key in `changes` is written, also if it is null; an unknown key or id is an
--   error, and so is a picture that is null or blank, or a link without an end. The life-cycle trigger decides which statuses and
--   transitions are valid.
-- Locks: when called, the artwork's row.
-- Stage: locked
CREATE FUNCTION public.update_artwork_lifecycle(artwork_id uuid, changes jsonb) RETURNS SETOF public.artworks_v2
LANGUAGE sql
BEGIN ATOMIC
  SELECT public.raise_error('22023', 'update_artwork_lifecycle: artwork_id must not be NULL')
  WHERE update_artwork_lifecycle.artwork_id IS NULL;
  SELECT public.raise_error('22023', 'update_artwork_lifecycle: changes must be an object')
  WHERE JSONB_TYPEOF(update_artwork_lifecycle.changes) IS DISTINCT FROM 'object';
  SELECT
    public.raise_error('22023', FORMAT(
      'update_artwork_lifecycle: unknown key %s, the keys are %s', k.key, ARRAY_TO_STRING(w.known, ', ')
    ))
  FROM (
    VALUES (
      ARRAY[
        'generation_status', 'generated_image_url', 'fal_request_id', 'generation_params', 'upscale_status', 'upscaled_image_url',
        'customer_name', 'pet_name', 'pet_mom_image_url', 'pet_image_url', 'token_expires_at'
      ]
    )
  ) AS w (known)
  CROSS JOIN LATERAL JSONB_OBJECT_KEYS(update_artwork_lifecycle.changes) AS k (key)
  WHERE k.key <> ALL(w.known);
  SELECT public.raise_error('22023', FORMAT('update_artwork_lifecycle: %s must not be NULL or blank', p.key))
  FROM JSONB_EACH_TEXT(update_artwork_lifecycle.changes) AS p (key, value)
  WHERE p.key IN ('pet_mom_image_url', 'pet_image_url') AND COALESCE(BTRIM(p.value), '') = '';
  SELECT public.raise_error('22023', 'update_artwork_lifecycle: token_expires_at must not be NULL')
  WHERE update_artwork_lifecycle.changes -> 'token_expires_at' = 'null';
  UPDATE public.artworks_v2 AS a
  SET
    generation_status = CASE WHEN c.changes ? 'generation_status' THEN c.changes ->> 'generation_status' ELSE a.generation_status END,
    generated_image_url = CASE
      WHEN c.changes ? 'generated_image_url' THEN c.changes ->> 'generated_image_url' ELSE a.generated_image_url
    END,
    fal_request_id = CASE WHEN c.changes ? 'fal_request_id' THEN c.changes ->> 'fal_request_id' ELSE a.fal_request_id END,
    generation_params = CASE
      WHEN c.changes ? 'generation_params' THEN NULLIF(c.changes -> 'generation_params', 'null') ELSE a.generation_params
    END,
    upscale_status = CASE WHEN c.changes ? 'upscale_status' THEN c.changes ->> 'upscale_status' ELSE a.upscale_status END,
    upscaled_image_url = CASE WHEN c.changes ? 'upscaled_image_url' THEN c.changes ->> 'upscaled_image_url' ELSE a.upscaled_image_url END,
    customer_name = CASE WHEN c.changes ? 'customer_name' THEN c.changes ->> 'customer_name' ELSE a.customer_name END,
    pet_name = CASE WHEN c.changes ? 'pet_name' THEN c.changes ->> 'pet_name' ELSE a.pet_name END,
    pet_mom_image_url = COALESCE(c.changes ->> 'pet_mom_image_url', a.pet_mom_image_url),
    pet_image_url = COALESCE(c.changes ->> 'pet_image_url', a.pet_image_url),
    token_expires_at = COALESCE((c.changes ->> 'token_expires_at')::timestamptz, a.token_expires_at)
  FROM (VALUES (update_artwork_lifecycle.changes)) AS c (changes)
  WHERE a.id = update_artwork_lifecycle.artwork_id;
  SELECT public.raise_error('P0002', FORMAT('update_artwork_lifecycle: there is no artwork %s', update_artwork_lifecycle.artwork_id))
  WHERE NOT EXISTS (SELECT FROM public.artworks_v2 AS a WHERE a.id = update_artwork_lifecycle.artwork_id);
  SELECT a FROM public.artworks_v2 AS a WHERE a.id = update_artwork_lifecycle.artwork_id;
END;
COMMENT ON FUNCTION public.update_artwork_lifecycle(uuid, jsonb)
IS 'Sets what is given of one artwork: statuses, images, names, the end of its link; an impossible step is refused with SQLSTATE 55000.';

-- Undo:
DROP FUNCTION public.update_artwork_lifecycle(uuid, jsonb);

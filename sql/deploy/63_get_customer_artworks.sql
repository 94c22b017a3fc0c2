-- What: get_customer_artworks: a customer's artworks, newest first, each with a title, its stage in words and what is left of its generation.
-- Why: strategy, "Customer View". The estimate is the median of the fifty generations that were completed last, and asked for only where
--   one is at work; one that takes longer than that is said to, and where none was ever timed nothing is said. No token is in it: whoever
--   may see the list may not thereby pass the links on.
-- Inverse: 63_get_customer_artworks.undo.sql
-- Locks: when called, ACCESS SHARE on artworks_v2.
-- Stage: locked
CREATE FUNCTION public.get_customer_artworks(customer_email text) RETURNS TABLE (
  id uuid,
  title text,
  stage text,
  minutes_remaining integer,
  generated_image_url text,
  upscaled_image_url text,
  created_at timestamptz
)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT public.require_email('get_customer_artworks', get_customer_artworks.customer_email);
  SELECT
    a.id,
    CONCAT(NULLIF(BTRIM(a.pet_name), '') || '''s ', 'MonaLisa') AS title,
    CASE
      WHEN a.generation_status = 'pending' THEN 'waiting to start'
      WHEN a.generation_status = 'failed' THEN 'failed'
      WHEN a.generation_status = 'processing' AND left_over.minutes > 0 THEN FORMAT('processing, about %s min remaining', left_over.minutes)
      WHEN a.generation_status = 'processing' AND left_over.minutes <= 0 THEN 'processing, taking longer than usual'
      WHEN a.generation_status = 'processing' THEN 'processing'
      WHEN a.generated_image_url IS NULL THEN 'completed, but its image is missing'
      WHEN a.upscale_status = 'pending' THEN 'completed, high-res requested'
      WHEN a.upscale_status = 'processing' THEN 'completed, high-res on its way'
      WHEN a.upscale_status = 'failed' THEN 'completed, ready for prints, high-res failed'
      WHEN a.upscale_status = 'completed' AND a.upscaled_image_url IS NOT NULL THEN 'completed, high-res available'
      ELSE 'completed, ready for prints'
    END AS stage,
    CASE WHEN left_over.minutes > 0 THEN left_over.minutes END AS minutes_remaining,
    a.generated_image_url,
    a.upscaled_image_url,
    a.created_at
  FROM public.artworks_v2 AS a
  CROSS JOIN LATERAL (
    SELECT
      CASE WHEN a.generation_status = 'processing' THEN
        CEIL(EXTRACT(EPOCH FROM a.generation_started_at - NOW() + (
          SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY recent.duration)
          FROM (
            SELECT g.generation_completed_at - g.generation_started_at AS duration
            FROM public.artworks_v2 AS g
            WHERE g.generation_started_at IS NOT NULL AND g.generation_completed_at IS NOT NULL
            ORDER BY g.generation_completed_at DESC
            LIMIT 50
          ) AS recent
        )) / 60)::integer
      END AS minutes
  ) AS left_over
  WHERE a.customer_email = get_customer_artworks.customer_email
  ORDER BY a.created_at DESC, a.id;
END;
COMMENT ON FUNCTION public.get_customer_artworks(text)
IS 'What a customer sees: their artworks, newest first, each with its title, its stage in words and the minutes that are left of it.';

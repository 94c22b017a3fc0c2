-- What: get_customer_artworks: a customer's artworks, newest first, each with a title, its stage in words and the minutes left.
-- Why: strategy, "Customer View". The estimate is the median of the fifty generations completed last; it is computed only if a generation
--   is running. A generation that exceeds it is reported as taking longer. Without a timed generation there is no estimate. The result has
--   no token: a role that may see the list must not be able to pass on the links.
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
  SELECT public.raise_error('22023', 'get_customer_artworks: customer_email must not be NULL or blank')
  WHERE COALESCE(BTRIM(get_customer_artworks.customer_email), '') = '';
  WITH usual AS (
    SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY recent.duration) AS duration
    FROM (
      SELECT g.generation_completed_at - g.generation_started_at AS duration
      FROM public.artworks_v2 AS g
      WHERE g.generation_started_at IS NOT NULL AND g.generation_completed_at IS NOT NULL
      ORDER BY g.generation_completed_at DESC
      LIMIT 50
    ) AS recent
  ),

  timed AS (
    SELECT
      a AS artwork,
      CASE
        WHEN a.generation_status = 'processing'
          THEN CEIL(EXTRACT(EPOCH FROM a.generation_started_at - NOW() + (SELECT u.duration FROM usual AS u)) / 60)::integer
      END AS minutes
    FROM public.artworks_v2 AS a
    WHERE a.customer_email = get_customer_artworks.customer_email
  )

  SELECT
    (t.artwork).id,
    CONCAT(NULLIF(BTRIM((t.artwork).pet_name), '') || '''s ', 'MonaLisa') AS title,
    CASE (t.artwork).generation_status
      WHEN 'pending' THEN 'waiting to start'
      WHEN 'failed' THEN 'failed'
      WHEN 'processing'
        THEN
          CASE
            WHEN t.minutes > 0 THEN FORMAT('processing, about %s min remaining', t.minutes)
            WHEN t.minutes <= 0 THEN 'processing, taking longer than usual'
            ELSE 'processing'
          END
      ELSE
        CASE
          WHEN (t.artwork).generated_image_url IS NULL THEN 'completed, but its image is missing'
          WHEN (t.artwork).upscale_status = 'pending' THEN 'completed, high-res requested'
          WHEN (t.artwork).upscale_status = 'processing' THEN 'completed, high-res in progress'
          WHEN (t.artwork).upscale_status = 'failed' THEN 'completed, ready for prints, high-res failed'
          WHEN (t.artwork).upscaled_image_url IS NOT NULL THEN 'completed, high-res available'
          ELSE 'completed, ready for prints'
        END
    END AS stage,
    CASE WHEN t.minutes > 0 THEN t.minutes END AS minutes_remaining,
    (t.artwork).generated_image_url,
    (t.artwork).upscaled_image_url,
    (t.artwork).created_at
  FROM timed AS t
  ORDER BY (t.artwork).created_at DESC, (t.artwork).id;
END;
COMMENT ON FUNCTION public.get_customer_artworks(text)
IS 'What a customer sees: their artworks, newest first, each with its title, its stage in words and the minutes that are left of it.';

-- Undo:
DROP FUNCTION public.get_customer_artworks(text);

-- What: production. Completed artworks have all values, and no order references a row that stays behind: the migration is green.
INSERT INTO public.artworks (
  id,
  user_id,
  original_image_url,
  generated_image_url,
  upscaled_image_url,
  upscale_status,
  upscaled_at,
  pet_name,
  customer_name,
  customer_email,
  original_pet_mom_url,
  original_pet_url,
  access_token,
  token_expires_at,
  generation_status,
  mockup_urls,
  mockup_generated_at,
  created_at,
  updated_at
)
SELECT
  a.id,
  a.user_id,
  a.original_image_url,
  a.generated_image_url,
  CASE WHEN u.status = 'completed' THEN 'https://images.example/' || a.code || '.png' END,
  u.status,
  CASE WHEN u.status = 'completed' THEN a.updated_at END,
  a.pet_name,
  a.customer_name,
  a.customer_email,
  a.original_pet_mom_url,
  a.original_pet_url,
  CASE WHEN a.slot = 12 AND a.n > 12 THEN NULL ELSE a.access_token END,  -- unique: one blank only
  a.token_expires_at,
  a.generation_status,
  CASE
    WHEN m.made THEN jsonb_build_object(
      'poster', 'https://mockups.example/' || a.code || '/poster',
      'canvas', 'https://mockups.example/' || a.code || '/canvas'
    )
  END,
  CASE WHEN m.made THEN a.updated_at END,
  a.created_at,
  a.updated_at
FROM sample_artwork AS a
CROSS JOIN LATERAL (SELECT pg_temp.chance(a.seed, a.n, 40) AS action OFFSET 0) AS f
CROSS JOIN LATERAL (
  SELECT
    CASE
      WHEN a.kind <> 'completed' THEN 'pending'
      WHEN a.slot = 21 OR (a.ordered AND f.action < 0.8) OR f.action < 0.05 THEN 'completed'
      WHEN a.slot = 22 OR f.action < 0.052 THEN 'processing'
      WHEN a.slot = 23 OR f.action < 0.058 THEN 'failed'
      WHEN a.slot = 24 OR f.action < 0.15 THEN 'not_required'
      ELSE 'pending'
    END AS status
  OFFSET 0
) AS u
CROSS JOIN LATERAL (SELECT a.kind = 'completed' AND (a.slot = 25 OR pg_temp.chance(a.seed, a.n, 41) < 0.1) AS made OFFSET 0) AS m;

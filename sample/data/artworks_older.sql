-- What: an older copy, with data that constraints would prevent: shared tokens, missing values, odd statuses.
INSERT INTO public.artworks (
  id,
  user_id,
  original_image_url,
  generated_image_url,
  pet_name,
  customer_name,
  customer_email,
  original_pet_mom_url,
  original_pet_url,
  access_token,
  token_expires_at,
  generation_status,
  created_at,
  updated_at
)
SELECT
  a.id,
  CASE WHEN a.slot = 43 THEN (SELECT c.user_id FROM sample_customer AS c WHERE c.number = 27) ELSE a.user_id END,
  CASE WHEN a.slot <> 44 THEN a.original_image_url END,
  a.generated_image_url,
  a.pet_name,
  a.customer_name,
  CASE WHEN a.slot <> 45 THEN a.customer_email END,
  a.original_pet_mom_url,
  a.original_pet_url,
  CASE
    WHEN a.slot IN (41, 51) THEN pg_temp.code(a.seed, 'token', a.n - 1)
    WHEN a.slot = 42 THEN pg_temp.code(a.seed, 'token', a.n - 2)
    ELSE a.access_token
  END,
  a.token_expires_at,
  CASE WHEN a.slot = 47 THEN 'done' WHEN a.slot <> 48 THEN a.generation_status END,
  CASE WHEN a.slot <> 46 OR a.n > 5000 THEN a.created_at END,  -- a handful
  a.updated_at
FROM sample_artwork AS a;

-- What: only the columns of the strategy; an artwork that is being generated is still pending here.
INSERT INTO public.artworks (
  id,
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
  CASE WHEN a.slot <> 44 THEN a.original_image_url END,
  a.generated_image_url,
  a.pet_name,
  a.customer_name,
  CASE WHEN a.slot <> 45 THEN a.customer_email END,
  a.original_pet_mom_url,
  a.original_pet_url,
  a.access_token,
  a.token_expires_at,
  CASE WHEN a.generation_status = 'processing' THEN 'pending' ELSE a.generation_status END,
  a.created_at,
  a.updated_at
FROM sample_artwork AS a;

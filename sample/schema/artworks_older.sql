-- An older copy: no upscaling, no mock-ups, tokens neither unique nor NOT NULL, statuses unchecked, most columns nullable.
CREATE TABLE public.artworks (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  user_id uuid,
  original_image_url text,
  generated_image_url text,
  pet_name text,
  customer_name text,
  customer_email text,
  original_pet_mom_url text,
  original_pet_url text,
  access_token text,
  token_expires_at timestamptz,
  generation_status text DEFAULT 'pending',
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now()
);

COMMENT ON COLUMN public.artworks.original_image_url IS 'The first upload. Uploads by testers start with test-';

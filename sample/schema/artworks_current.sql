-- Production: unique tokens, e-mail and name NOT NULL, upscaling and mock-ups.
CREATE TABLE public.artworks (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  user_id uuid,
  original_image_url text NOT NULL,
  generated_image_url text,
  upscaled_image_url text,
  upscale_status text DEFAULT 'pending',
  upscaled_at timestamptz,
  pet_name text,
  customer_name text NOT NULL,
  customer_email text NOT NULL,
  original_pet_mom_url text,
  original_pet_url text,
  access_token text,
  token_expires_at timestamptz,
  generation_status text DEFAULT 'pending',
  mockup_urls jsonb,
  mockup_generated_at timestamptz,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  CONSTRAINT artworks_generation_status_check CHECK (generation_status IN ('pending', 'processing', 'completed', 'failed')),
  CONSTRAINT artworks_upscale_status_check CHECK (upscale_status IN ('pending', 'processing', 'completed', 'failed', 'not_required'))
);

COMMENT ON COLUMN public.artworks.original_image_url IS 'The first upload. Uploads by testers start with test-';
COMMENT ON COLUMN public.artworks.upscale_status IS 'pending also means that no upscale was requested';
COMMENT ON COLUMN public.artworks.mockup_urls IS 'Printing mock-ups by product';

-- Just the columns the migration strategy names; no users, and a check that does not know processing.
CREATE TABLE public.artworks (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
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
  updated_at timestamptz DEFAULT now(),
  CONSTRAINT artworks_generation_status_check CHECK (generation_status IN ('pending', 'completed', 'failed'))
);

-- Nobody but the service role, which bypasses it: there are no policies.
ALTER TABLE public.artworks ENABLE ROW LEVEL SECURITY;

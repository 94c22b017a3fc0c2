-- Only the columns that the migration strategy names; no users, and a check without the status processing.
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

-- There are no policies: only the service role, which bypasses row level security, has access.
ALTER TABLE public.artworks ENABLE ROW LEVEL SECURITY;

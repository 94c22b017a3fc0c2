-- What: the clean table `artworks_v2` with its constraints.
-- Why: strategy, "Clean Schema Benefits": one row per artwork with its owner, statuses, urls and times. user_id may be NULL because
--   deleting a user must still work; "has a user" is a rule of a gate. The foreign key and the indexes are created after the copy
--   (migrate_data/post_copy), which they would slow down.
-- Locks: none; the table is new.
-- Stage: prepare
CREATE TABLE public.artworks_v2 (
  id uuid DEFAULT GEN_RANDOM_UUID() CONSTRAINT artworks_v2_pkey PRIMARY KEY,
  user_id uuid,
  customer_name text,
  customer_email text NOT NULL,
  pet_name text,
  pet_mom_image_url text NOT NULL,
  pet_image_url text NOT NULL,
  generated_image_url text,
  upscaled_image_url text,
  generation_status text NOT NULL DEFAULT 'pending'
  CONSTRAINT artworks_v2_generation_status_check
  CHECK (generation_status IN ('pending', 'processing', 'completed', 'failed')),
  upscale_status text NOT NULL DEFAULT 'not_started'
  CONSTRAINT artworks_v2_upscale_status_check
  CHECK (upscale_status IN ('not_started', 'pending', 'processing', 'completed', 'failed')),
  generation_started_at timestamptz,
  generation_completed_at timestamptz,
  upscale_started_at timestamptz,
  upscale_completed_at timestamptz,
  access_token text NOT NULL CONSTRAINT artworks_v2_access_token_key UNIQUE,
  token_expires_at timestamptz,
  fal_request_id text,
  generation_params jsonb,
  created_at timestamptz NOT NULL DEFAULT NOW(),
  updated_at timestamptz NOT NULL DEFAULT NOW()
);

-- Undo:
-- Why: every write to it is in the legacy table already; values that only it can hold were exported before.
-- Locks: ACCESS EXCLUSIVE on public.artworks_v2, and on public.users because of the foreign key that the copy added.
DROP TABLE public.artworks_v2;

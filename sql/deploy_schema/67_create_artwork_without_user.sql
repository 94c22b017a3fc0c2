-- What: create_artwork where no users are created: it creates the artwork with a random token, without an owner.
-- Why: strategy, "New Artwork Creation Flow", step 2. The rows of the table that owns artworks are made by a sign-up, so a customer without
--   an account has none. The customer has the link and is found by e-mail; claim_anonymous_user gives the artwork its owner.
-- Locks: when made and when called, ROW EXCLUSIVE on artworks_v2.
-- Stage: locked
-- Users: not created
CREATE FUNCTION public.create_artwork(
  customer_name text, customer_email text, pet_name text, pet_mom_image_url text, pet_image_url text
) RETURNS TABLE (artwork public.artworks_v2, access_token text)
LANGUAGE sql
BEGIN ATOMIC
  SELECT public.require_upload(
    create_artwork.customer_name,
    create_artwork.customer_email,
    create_artwork.pet_name,
    create_artwork.pet_mom_image_url,
    create_artwork.pet_image_url
  );
  INSERT INTO public.artworks_v2 AS a (
    customer_name, customer_email, pet_name, pet_mom_image_url, pet_image_url, access_token, token_expires_at
  )
  VALUES (
    create_artwork.customer_name,
    create_artwork.customer_email,
    create_artwork.pet_name,
    create_artwork.pet_mom_image_url,
    create_artwork.pet_image_url,
    REPLACE(GEN_RANDOM_UUID()::text || GEN_RANDOM_UUID()::text, '-', ''),
    NOW() + interval '30 days'
  )
  RETURNING a, a.access_token;
END;
COMMENT ON FUNCTION public.create_artwork(text, text, text, text, text)
IS 'Creates an artwork for a customer, without an owner until the customer claims it. Returns the artwork and its access token.';

-- Undo:
DROP FUNCTION public.create_artwork(text, text, text, text, text);

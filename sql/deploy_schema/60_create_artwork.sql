-- What: create_artwork: creates the artwork with a random token, and the user if no user has that e-mail.
-- Why: strategy, "New Artwork Creation Flow", step 2. There are several statements: in one statement, a concurrent sign-up would leave the
--   artwork without its user. The user's row stays locked until the commit, so that its id cannot change and it cannot be deleted
--   meanwhile. BEGIN ATOMIC binds to the tables, so callers need not change when the names are swapped. The table may refuse a second
--   spelling of an e-mail (a unique index on LOWER(email)) or store another one than it was given (a trigger): then the user of the other
--   spelling is the owner. An artwork without an owner is refused. The search by LOWER reads no row where the e-mail itself is found.
-- Locks: when made and when called, ROW EXCLUSIVE on users and artworks_v2, ROW SHARE on users; when called, KEY SHARE on the user's row.
--   Call it in READ COMMITTED; a REPEATABLE READ caller may get 40001.
-- Stage: locked
-- Users: created
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
  INSERT INTO public.users (email, is_anonymous) VALUES (create_artwork.customer_email, TRUE) ON CONFLICT DO NOTHING;
  SELECT FROM public.users AS u WHERE u.email = create_artwork.customer_email FOR KEY SHARE;
  SELECT FROM public.users AS u
  WHERE
    LOWER(u.email) = LOWER(create_artwork.customer_email)
    AND NOT EXISTS (SELECT FROM public.users AS o WHERE o.email = create_artwork.customer_email)
  FOR KEY SHARE;
  SELECT public.raise_error('23514', 'create_artwork: the table users accepts no user with this e-mail')
  WHERE
    NOT EXISTS (SELECT FROM public.users AS u WHERE u.email = create_artwork.customer_email)
    AND NOT EXISTS (SELECT FROM public.users AS u WHERE LOWER(u.email) = LOWER(create_artwork.customer_email));
  INSERT INTO public.artworks_v2 AS a (
    user_id, customer_name, customer_email, pet_name, pet_mom_image_url, pet_image_url, access_token, token_expires_at
  )
  SELECT
    COALESCE(
      (SELECT u.id FROM public.users AS u WHERE u.email = create_artwork.customer_email),
      (SELECT u.id FROM public.users AS u WHERE LOWER(u.email) = LOWER(create_artwork.customer_email) ORDER BY u.id LIMIT 1)
    ),
    create_artwork.customer_name,
    create_artwork.customer_email,
    create_artwork.pet_name,
    create_artwork.pet_mom_image_url,
    create_artwork.pet_image_url,
    REPLACE(GEN_RANDOM_UUID()::text || GEN_RANDOM_UUID()::text, '-', ''),
    NOW() + interval '30 days'
  RETURNING a, a.access_token;
END;
COMMENT ON FUNCTION public.create_artwork(text, text, text, text, text)
IS 'Creates an artwork for a customer, and an anonymous user for a new e-mail. Returns the artwork and its access token.';

-- Undo:
DROP FUNCTION public.create_artwork(text, text, text, text, text);

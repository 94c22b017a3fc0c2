-- What: claim_anonymous_user: the customer with this e-mail has signed up under this id; returns how many artworks they own now.
-- Why: everybody who has ever ordered has an anonymous user, and policies want auth.uid() = user_id. That user gets the id of the sign-up
--   and its artworks go along; without one the user is created, so that a sign-up is one call whoever the customer is. A registered
--   user's e-mail is never taken over, and no user changes its e-mail by it. INSERT first, locks second, questions third: whoever creates
--   or claims the same user meanwhile is waited for. Artworks of the e-mail that nobody owns become theirs: before the copy's end no key
--   takes them along, and a user may have been deleted before.
-- Locks: when called, the user's row, then the artworks of that user in id order. Call it in READ COMMITTED, as create_artwork.
-- Stage: locked
CREATE FUNCTION public.claim_anonymous_user(customer_email text, user_id uuid) RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
  SELECT public.require_email('claim_anonymous_user', claim_anonymous_user.customer_email)
  WHERE NOT EXISTS (SELECT FROM public.users AS u WHERE u.email = claim_anonymous_user.customer_email);
  SELECT public.raise_error('22023', 'claim_anonymous_user: user_id must not be NULL')
  WHERE claim_anonymous_user.user_id IS NULL;
  INSERT INTO public.users (id, email, is_anonymous)
  VALUES (claim_anonymous_user.user_id, claim_anonymous_user.customer_email, FALSE)
  ON CONFLICT DO NOTHING;
  SELECT FROM public.users AS u
  WHERE u.email = claim_anonymous_user.customer_email OR u.id = claim_anonymous_user.user_id
  ORDER BY u.id FOR UPDATE;
  SELECT public.raise_error('23505', FORMAT('claim_anonymous_user: user %s has another e-mail already', u.id))
  FROM public.users AS u
  WHERE u.id = claim_anonymous_user.user_id AND u.email <> claim_anonymous_user.customer_email;
  SELECT public.raise_error('23505', FORMAT('claim_anonymous_user: another registered user, %s, has this e-mail already', u.id))
  FROM public.users AS u
  WHERE u.email = claim_anonymous_user.customer_email AND u.id <> claim_anonymous_user.user_id AND u.is_anonymous IS NOT TRUE;
  SELECT FROM public.artworks_v2 AS a
  WHERE a.user_id = (SELECT u.id FROM public.users AS u WHERE u.email = claim_anonymous_user.customer_email)
  ORDER BY a.id FOR NO KEY UPDATE;
  UPDATE public.users AS u
  SET
    id = claim_anonymous_user.user_id,
    is_anonymous = FALSE
  WHERE
    u.email = claim_anonymous_user.customer_email
    AND (u.id <> claim_anonymous_user.user_id OR u.is_anonymous IS DISTINCT FROM FALSE);
  UPDATE public.artworks_v2 AS a
  SET user_id = claim_anonymous_user.user_id
  WHERE
    a.customer_email = claim_anonymous_user.customer_email
    AND NOT EXISTS (SELECT FROM public.users AS u WHERE u.id = a.user_id);
  SELECT COUNT(*) FROM public.artworks_v2 AS a WHERE a.user_id = claim_anonymous_user.user_id;
END;
COMMENT ON FUNCTION public.claim_anonymous_user(text, uuid)
IS 'A customer has signed up: their anonymous user becomes a registered one under the id of the sign-up, with its artworks.';

-- Undo:
DROP FUNCTION public.claim_anonymous_user(text, uuid);

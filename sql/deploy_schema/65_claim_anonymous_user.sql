-- What: claim_anonymous_user: the customer with this e-mail has signed up with this id; returns how many artworks they own now.
-- Why: every customer who ever ordered has an anonymous user, and policies compare auth.uid() with user_id. That user gets the id of the
--   sign-up, and its artworks follow. Without such a user one is created, so that a sign-up is one call for every customer. A registered
--   user's e-mail is never taken over, and no user's e-mail changes. First INSERT, then lock, then read: so a transaction that creates or
--   claims the same user meanwhile is waited for. Artworks of the e-mail without an owner get this one: before the end of the copy no key
--   cascades to them, and their user may have been deleted.
-- Locks: when called, the user's row, then the artworks of that user in id order. Call it in READ COMMITTED, as create_artwork.
-- Stage: locked
-- Users: created
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
  SELECT public.raise_error('22023', 'claim_anonymous_user: users has this e-mail in another spelling; call it with that spelling')
  WHERE NOT EXISTS (
    SELECT FROM public.users AS u WHERE u.email = claim_anonymous_user.customer_email OR u.id = claim_anonymous_user.user_id
  ) OR EXISTS (
    SELECT FROM public.users AS u
    WHERE
      u.id = claim_anonymous_user.user_id AND u.email <> claim_anonymous_user.customer_email
      AND LOWER(u.email) = LOWER(claim_anonymous_user.customer_email)
      AND NOT EXISTS (SELECT FROM public.users AS o WHERE o.email = claim_anonymous_user.customer_email)
  );
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

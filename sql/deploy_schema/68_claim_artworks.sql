-- What: claim_anonymous_user where no users are created: the customer with this e-mail has signed up with this id; returns how many
--   artworks they own now.
-- Why: the artworks of a customer without an account have no owner, and policies compare auth.uid() with user_id. Those of the e-mail get
--   the id of the sign-up. An artwork that has an owner keeps it. The key of user_id refuses an id that no account has (23503). A repeated
--   call gives what was created since to the same owner.
-- Locks: when called, the artworks that it changes, in id order. Call it in READ COMMITTED, as create_artwork.
-- Stage: locked
-- Users: not created
CREATE FUNCTION public.claim_anonymous_user(customer_email text, user_id uuid) RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
  SELECT public.require_email('claim_anonymous_user', claim_anonymous_user.customer_email)
  WHERE
    COALESCE(BTRIM(claim_anonymous_user.customer_email, E' \t\r\n'), '') = ''
    OR NOT EXISTS (SELECT FROM public.artworks_v2 AS a WHERE a.customer_email = claim_anonymous_user.customer_email);
  SELECT public.raise_error('22023', 'claim_anonymous_user: user_id must not be NULL')
  WHERE claim_anonymous_user.user_id IS NULL;
  SELECT FROM public.artworks_v2 AS a
  WHERE a.customer_email = claim_anonymous_user.customer_email AND a.user_id IS NULL
  ORDER BY a.id FOR NO KEY UPDATE;
  UPDATE public.artworks_v2 AS a
  SET user_id = claim_anonymous_user.user_id
  WHERE a.customer_email = claim_anonymous_user.customer_email AND a.user_id IS NULL;
  SELECT COUNT(*) FROM public.artworks_v2 AS a WHERE a.user_id = claim_anonymous_user.user_id;
END;
COMMENT ON FUNCTION public.claim_anonymous_user(text, uuid)
IS 'A customer has signed up: the artworks of their e-mail that have no owner belong to the account of this id.';

-- Undo:
DROP FUNCTION public.claim_anonymous_user(text, uuid);

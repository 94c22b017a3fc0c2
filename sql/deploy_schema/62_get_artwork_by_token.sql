-- What: get_artwork_by_token: the artwork behind a customer's link.
-- Why: an unknown token raises P0002, an expired one PT410, so that the application can distinguish them; PostgREST answers 410 Gone to the
--   latter. A token without an end never expires. No message contains the token.
-- Locks: when called, ACCESS SHARE on artworks_v2.
-- Stage: locked
CREATE FUNCTION public.get_artwork_by_token(access_token text) RETURNS SETOF public.artworks_v2
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT public.raise_error('22023', 'get_artwork_by_token: access_token must not be NULL or blank')
  WHERE COALESCE(BTRIM(get_artwork_by_token.access_token), '') = '';
  SELECT public.raise_error('P0002', 'get_artwork_by_token: no artwork has this access token')
  WHERE NOT EXISTS (SELECT FROM public.artworks_v2 AS a WHERE a.access_token = get_artwork_by_token.access_token);
  SELECT public.raise_error('PT410', FORMAT('get_artwork_by_token: the access token of artwork %s has expired', a.id))
  FROM public.artworks_v2 AS a
  WHERE a.access_token = get_artwork_by_token.access_token AND a.token_expires_at <= NOW();
  SELECT a FROM public.artworks_v2 AS a WHERE a.access_token = get_artwork_by_token.access_token;
END;
COMMENT ON FUNCTION public.get_artwork_by_token(text)
IS 'The artwork behind a customer''s link; P0002 for an unknown token, PT410 for an expired one.';

-- Undo:
DROP FUNCTION public.get_artwork_by_token(text);

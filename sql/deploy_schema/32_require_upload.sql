-- What: require_upload: create_artwork refuses an upload without an e-mail address, a name or a url of an image.
-- Why: the rules are written once for both forms of create_artwork, with users and without. It reads no table, and its messages contain no
--   value.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE FUNCTION public.require_upload(
  customer_name text, customer_email text, pet_name text, pet_mom_image_url text, pet_image_url text
) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT public.require_email('create_artwork', require_upload.customer_email);
  SELECT public.raise_error('22023', FORMAT('create_artwork: %s must not be NULL', n.name))
  FROM (VALUES ('customer_name', require_upload.customer_name), ('pet_name', require_upload.pet_name)) AS n (name, value)
  WHERE n.value IS NULL;
  SELECT public.raise_error('22023', FORMAT('create_artwork: %s must not be NULL or blank', u.name))
  FROM (VALUES ('pet_mom_image_url', require_upload.pet_mom_image_url), ('pet_image_url', require_upload.pet_image_url)) AS u (name, url)
  WHERE COALESCE(BTRIM(u.url), '') = '';
END;

-- Undo:
DROP FUNCTION public.require_upload(text, text, text, text, text);

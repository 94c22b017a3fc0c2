-- What: artworks.user_id is NOT NULL, and no users are created.
-- Why: an artwork of a customer without an account has no owner, so the legacy table would reject every artwork that create_artwork makes
--   before the switch, and every deletion of an account.
-- Locks: none.
-- Remedy: Allow artworks without an owner. Policies that compare auth.uid() with user_id show such an artwork to nobody.
SELECT
  'public.artworks.user_id' AS subject,
  FORMAT('it is NOT NULL, and users are not created in %s.', CAST(:owner_relation AS text)) AS problem,
  'ALTER TABLE public.artworks ALTER COLUMN user_id DROP NOT NULL' AS statement
FROM pg_catalog.pg_attribute AS a
WHERE
  NOT CAST(:creates_users AS boolean)
  AND a.attrelid = TO_REGCLASS('public.artworks') AND a.attname = 'user_id' AND NOT a.attisdropped AND a.attnotnull

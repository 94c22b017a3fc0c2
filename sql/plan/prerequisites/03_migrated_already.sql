-- What: the table artworks is the clean one already: it has the clean table's columns, and not those that only the legacy table has.
-- Why: a migration was done here before, and its ledger has gone with a clean-up or was not restored; there is nothing left to migrate.
-- Locks: none.
-- Remedy: Nothing needs to be done here; check that ARTWORK_DATABASE_URL leads to the database you mean.
SELECT
  'table public.artworks' AS subject,
  'it is the clean table already: a migration was done here before.' AS problem
WHERE
  2 = (
    SELECT COUNT(*) FROM pg_catalog.pg_attribute AS a
    WHERE
      a.attrelid = TO_REGCLASS('public.artworks') AND NOT a.attisdropped
      AND a.attname IN ('pet_mom_image_url', 'pet_image_url')
  )
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a
    WHERE
      a.attrelid = TO_REGCLASS('public.artworks') AND NOT a.attisdropped
      AND a.attname IN ('original_image_url', 'original_pet_mom_url', 'original_pet_url')
  )

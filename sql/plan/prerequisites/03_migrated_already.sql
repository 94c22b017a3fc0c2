-- What: artworks is already the clean table: it has the clean table's columns and none that only the legacy table has.
-- Why: a migration was completed here before, and its ledger was removed or not restored. Nothing is left to migrate.
-- Locks: none.
-- Remedy: Nothing needs to be done here. Check that ARTWORK_DATABASE_URL names the database you mean.
SELECT
  'table public.artworks' AS subject,
  'it is already the clean table: a migration was completed here before.' AS problem
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

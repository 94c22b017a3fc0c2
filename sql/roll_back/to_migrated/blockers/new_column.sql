-- What: a column of the serving table that it did not have, under that name, at the switch.
-- Why: the retired table has no such column, and nothing carries its values back. The view artworks_v2 has the columns of that day.
-- Locks: none.
-- Remedy: Give the column its old name back, or keep its values elsewhere and drop it before the rollback.
SELECT
  'column ' || QUOTE_IDENT(a.attname) AS subject,
  'artworks got it after the switch, and the retired table does not have it.' AS problem
FROM pg_catalog.pg_attribute AS a
WHERE
  a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND NOT EXISTS (
    SELECT FROM artwork_migration.dependent_at_switch AS h
    WHERE h.kind = 'table column' AND h.name = a.attname
  )
ORDER BY a.attname

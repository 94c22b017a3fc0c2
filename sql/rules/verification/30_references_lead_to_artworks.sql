-- What: references to an artwork that is not in the serving table: under a valid key, or where the artwork is in the retired table.
-- Why: the rows are counted, because a valid key only says what the role that validated it could see. A key that was NOT VALID before may
--   have references that never led to an artwork.
-- Locks: ACCESS SHARE on both tables and what references artworks.
SELECT
  r.id,
  ARRAY_AGG(DISTINCT FORMAT('%s.%I', r.referencing, a.attname)) AS about
FROM artwork_migration.referenced_artwork AS r
INNER JOIN pg_catalog.pg_attribute AS a ON r.referencing = a.attrelid AND r.referencing_column = a.attnum
WHERE
  NOT EXISTS (SELECT FROM public.artworks AS s WHERE s.id = r.id)
  AND (
    EXISTS (SELECT FROM public.artworks_old AS l WHERE l.id = r.id)
    OR EXISTS (
      SELECT FROM pg_catalog.pg_constraint AS k
      WHERE
        k.contype = 'f' AND k.conrelid = r.referencing AND k.conkey = ARRAY[r.referencing_column]
        AND k.confrelid = 'public.artworks'::regclass AND k.convalidated
    )
  )
GROUP BY r.id;

-- Checked:
SELECT COUNT(*)
-- the table itself is one: a database without a reference was checked too
FROM (
  SELECT r.id FROM artwork_migration.referenced_artwork AS r
  UNION ALL
  SELECT NULL
) AS c

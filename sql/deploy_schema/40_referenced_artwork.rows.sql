-- What: the view of artwork ids that another table references, with that table and the number of its column: one branch for each foreign
--   key to artworks (id).
-- Why: an artwork that an order references must be migrated (law: no order may reference a missing artwork), and must not be deleted.
-- Inverse: in the rows.
-- Locks: ACCESS SHARE on the referencing tables.
-- Stage: prepare
SELECT
  'artwork_migration.referenced_artwork' AS object,
  'CREATE VIEW artwork_migration.referenced_artwork AS ' || r.question AS "do",
  'DROP VIEW artwork_migration.referenced_artwork' AS undo,
  r.question
FROM (
  SELECT
    COALESCE(
      STRING_AGG(
        FORMAT(
          'SELECT %1$I AS id, %2$L::regclass AS referencing, %3$s::smallint AS referencing_column FROM %2$s WHERE %1$I IS NOT NULL',
          a.attname, c.conrelid::regclass, a.attnum
        ),
        ' UNION ALL '
        ORDER BY c.conrelid::regclass::text, a.attname
      ),
      'SELECT NULL::uuid AS id, NULL::regclass AS referencing, NULL::smallint AS referencing_column WHERE FALSE'
    ) AS question
  FROM pg_catalog.pg_constraint AS c
  INNER JOIN pg_catalog.pg_attribute AS a ON c.conrelid = a.attrelid AND a.attnum = c.conkey[1]
  WHERE c.contype = 'f' AND c.confrelid = 'public.artworks'::regclass AND c.conrelid <> 'public.artworks'::regclass AND c.conparentid = 0
) AS r

-- What: the mapping (mapping.sql) as a table of this database: the rows whose legacy column exists here.
-- Why: write-through reads it for each row, so a deployment without the upscale columns needs no other function.
-- Inverse: in the rows.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  'artwork_migration.column_mapping' AS object,
  FORMAT(
    $do$CREATE TABLE artwork_migration.column_mapping AS
SELECT m.clean_column, m.legacy_column, m.on_update, m.back
FROM JSONB_TO_RECORDSET(%L) AS m (clean_column text, legacy_column text, on_update boolean, back text)$do$,
    JSONB_AGG(
      JSONB_BUILD_OBJECT(
        'clean_column', m.clean_column, 'legacy_column', m.legacy_column, 'on_update', m.on_update, 'back', m.back
      )
      ORDER BY m.position
    )
  ) AS "do",
  'DROP TABLE artwork_migration.column_mapping' AS undo
FROM
  JSONB_TO_RECORDSET(CAST(:mapping AS jsonb))
    AS m (position int, clean_column text, legacy_column text, on_update boolean, back text)
INNER JOIN pg_catalog.pg_attribute AS a
  ON m.legacy_column = a.attname AND a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped

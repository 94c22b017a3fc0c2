-- What: the view column_gone: columns of the legacy table that the clean table does not have under that name and of that type.
-- Why: whatever hangs on the table and reads one of them cannot go over to the clean table; plans ask here instead of each for itself.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE VIEW artwork_migration.column_gone AS
SELECT
  a.attnum AS number,
  a.attname AS name
FROM pg_catalog.pg_attribute AS a
WHERE
  a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS c
    WHERE
      c.attrelid = 'public.artworks_v2'::regclass AND c.attname = a.attname AND NOT c.attisdropped
      AND c.atttypid = a.atttypid AND c.atttypmod = a.atttypmod
  );

-- Undo:
DROP VIEW artwork_migration.column_gone;

-- What: the view column_gone: columns of the legacy table that the clean table does not have under that name and with that type.
-- Why: a dependent that reads one of them cannot be recreated on the clean table. Plans read it here instead of each computing it.
-- Locks: ACCESS SHARE on public.artworks.
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

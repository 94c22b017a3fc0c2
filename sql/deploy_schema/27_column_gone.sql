-- What: the view column_gone: columns of the legacy table that the clean table does not have under that name (`absent`), or has with
--   another type or collation; `problem` names the column and says which.
-- Why: a dependent that reads one of them cannot be recreated on the clean table as it is. Plans read it here instead of each computing it.
-- Locks: ACCESS SHARE on public.artworks.
-- Stage: prepare
CREATE VIEW artwork_migration.column_gone AS
SELECT
  a.attnum AS number,
  a.attname AS name,
  c.attname IS NULL AS absent,
  a.attname || CASE
    WHEN c.attname IS NULL THEN ', which the clean table does not have'
    WHEN (c.atttypid, c.atttypmod) <> (a.atttypid, a.atttypmod)
      THEN
        FORMAT(', whose type differs: %s and %s', FORMAT_TYPE(a.atttypid, a.atttypmod), FORMAT_TYPE(c.atttypid, c.atttypmod))
    ELSE FORMAT(', whose collation differs: %s and %s', a.attcollation::regcollation, c.attcollation::regcollation)
  END AS problem
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_attribute AS c
  ON c.attrelid = 'public.artworks_v2'::regclass AND a.attname = c.attname AND c.attnum > 0 AND NOT c.attisdropped
WHERE
  a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND (c.attname IS NULL OR (c.atttypid, c.atttypmod, c.attcollation) <> (a.atttypid, a.atttypmod, a.attcollation));

-- Undo:
DROP VIEW artwork_migration.column_gone;

-- What: the ledger was created by another version of this tool, with tables or functions that this version does not have.
-- Why: a query of this version would fail halfway, perhaps after the switch has committed.
-- The layout's number is the default of "phase_history.layout"; sql/ledger/create.sql sets it, and here it stands once more.
-- Locks: none.
-- Remedy: Use the version that created it. To change to this one, roll back to NOT_STARTED with that version and deploy with this one.
--   After the clean-up only the record is left: read it with that version.
SELECT
  'schema artwork_migration' AS subject,
  FORMAT('its layout is %s, and this version reads and writes layout 2.', COALESCE(l.number, 'older than all numbers')) AS problem
FROM (
  SELECT PG_GET_EXPR(d.adbin, d.adrelid) AS number
  FROM pg_catalog.pg_class AS c
  INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
  LEFT JOIN pg_catalog.pg_attribute AS a ON c.oid = a.attrelid AND a.attname = 'layout' AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  WHERE n.nspname = 'artwork_migration' AND c.relname = 'phase_history'
) AS l
WHERE l.number IS DISTINCT FROM '2'

-- What: a column of the mapping has a type that the mapping cannot read.
-- Why: a cast that fails for one row would stop the copy halfway. id must be uuid because orders and links keep it.
-- Locks: none.
-- Remedy: Convert the column first, in a separate change; for an enum or citext with ALTER TABLE artworks ALTER COLUMN name TYPE text USING
--   name::text. Drop the views, policies and checks that read it before, and create them again. A citext column then no longer ignores
--   case: use LOWER() in the application. An id that is no uuid needs a new key, here and in each table that references it.
SELECT
  'public.artworks.' || m.legacy_column AS subject,
  FORMAT('its type is %s; %s is required.', FORMAT_TYPE(a.atttypid, a.atttypmod), m.data_type) AS problem
FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (position int, legacy_column text, data_type text, unchanged boolean, room int)
INNER JOIN pg_catalog.pg_attribute AS a
  ON m.legacy_column = a.attname AND a.attrelid = TO_REGCLASS('public.artworks') AND NOT a.attisdropped
INNER JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
-- the clean column takes a domain where it always holds the legacy value
INNER JOIN pg_catalog.pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' AND m.unchanged AND m.room = 0 THEN t.typbasetype ELSE t.oid END
WHERE
  m.data_type IS NOT NULL
  AND NOT CASE m.data_type
    WHEN 'uuid' THEN a.atttypid = 'uuid'::regtype
    WHEN 'timestamptz' THEN b.oid = 'timestamptz'::regtype
    ELSE b.oid IN ('text'::regtype, 'varchar'::regtype)
  END
ORDER BY m.position

-- What: the clean table gets the legacy table's owner, comments and row level security, and loses the grants of the default privileges.
-- Why: law 8: nobody may read in the clean table what the legacy table did not show. A new table is open to every role that the default
--   privileges name. So all grants are revoked first, and then the legacy table's own grants are repeated (23_grants).
-- Inverse: none; the table is dropped as a whole.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  'public.artworks_v2' AS object,
  s."do",
  NULL AS undo
FROM (
  SELECT
    1 AS place,
    FORMAT('ALTER TABLE public.artworks_v2 OWNER TO %I', PG_GET_USERBYID(c.relowner)) AS "do"
  FROM pg_catalog.pg_class AS c
  WHERE c.oid = 'public.artworks'::regclass
  UNION ALL
  SELECT
    2 AS place,
    'SELECT artwork_migration.revoke_from_all(''TABLE'', ''public.artworks_v2'')' AS "do"
  UNION ALL
  SELECT
    3 AS place,
    'ALTER TABLE public.artworks_v2 ENABLE ROW LEVEL SECURITY' AS "do"
  FROM pg_catalog.pg_class AS c
  WHERE c.oid = 'public.artworks'::regclass AND c.relrowsecurity
  UNION ALL
  SELECT
    4 AS place,
    'ALTER TABLE public.artworks_v2 FORCE ROW LEVEL SECURITY' AS "do"
  FROM pg_catalog.pg_class AS c
  WHERE c.oid = 'public.artworks'::regclass AND c.relforcerowsecurity
  UNION ALL
  SELECT
    5 AS place,
    FORMAT('COMMENT ON TABLE public.artworks_v2 IS %L', OBJ_DESCRIPTION('public.artworks'::regclass, 'pg_class')) AS "do"
  WHERE OBJ_DESCRIPTION('public.artworks'::regclass, 'pg_class') IS NOT NULL
  UNION ALL
  SELECT
    6 AS place,
    FORMAT('COMMENT ON COLUMN public.artworks_v2.%I IS %L', m.clean_column, COL_DESCRIPTION(a.attrelid, a.attnum)) AS "do"
  FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text, on_update boolean)
  INNER JOIN pg_catalog.pg_attribute AS a ON m.legacy_column = a.attname
  WHERE
    a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped
    AND (m.on_update OR m.clean_column = 'id') AND COL_DESCRIPTION(a.attrelid, a.attnum) IS NOT NULL
) AS s
ORDER BY s.place, s."do"

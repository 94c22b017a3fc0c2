-- What: the legacy table's grants, on the table and on single columns, repeated on the clean table.
-- Why: law 8, and the application must keep working with the roles that it has.
-- Inverse: none; the table is dropped as a whole.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  FORMAT('public.artworks_v2 for %s', g.grantee) AS object,
  FORMAT(
    'GRANT %s%s ON public.artworks_v2 TO %s%s',
    g.privilege, g.column_list, g.grantee, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
  ) AS "do",
  NULL AS undo
FROM (
  SELECT
    acl.privilege_type AS privilege,
    '' AS column_list,
    acl.is_grantable,
    CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(acl.grantee)) END AS grantee
  FROM pg_catalog.pg_class AS c
  CROSS JOIN LATERAL ACLEXPLODE(c.relacl) AS acl
  WHERE c.oid = 'public.artworks'::regclass AND acl.grantee <> c.relowner
  UNION
  SELECT
    acl.privilege_type AS privilege,
    FORMAT(' (%I)', m.clean_column) AS column_list,
    acl.is_grantable,
    CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(acl.grantee)) END AS grantee
  FROM pg_catalog.pg_attribute AS a
  INNER JOIN JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text, on_update boolean)
    ON a.attname = m.legacy_column
  CROSS JOIN LATERAL ACLEXPLODE(a.attacl) AS acl
  WHERE a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped AND (m.on_update OR m.clean_column = 'id')
) AS g
ORDER BY g.grantee, g.privilege, g.column_list

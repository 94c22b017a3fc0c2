-- What: who may do what with the table, and with single columns of it.
-- Why: law 8: anyone who approves sees that the clean table is open to the same roles.
-- Locks: none.
SELECT
  s.object,
  s.action
FROM (
  SELECT
    FORMAT(
      'to %s: %s',
      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(acl.grantee)) END,
      STRING_AGG(acl.privilege_type, ', ' ORDER BY acl.privilege_type)
    ) AS object,
    'given on the clean table at deploy-schema' AS action
  FROM pg_catalog.pg_class AS c
  CROSS JOIN LATERAL ACLEXPLODE(c.relacl) AS acl
  WHERE c.oid = 'public.artworks'::regclass AND acl.grantee <> c.relowner
  GROUP BY acl.grantee
  UNION ALL
  SELECT
    FORMAT(
      'on column %I to %s: %s',
      a.attname,
      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(acl.grantee)) END,
      STRING_AGG(acl.privilege_type, ', ' ORDER BY acl.privilege_type)
    ),
    CASE
      WHEN EXISTS (
        SELECT
        FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text, on_update boolean)
        WHERE m.legacy_column = a.attname AND (m.on_update OR m.clean_column = 'id')
      ) THEN 'given on the clean column at deploy-schema'
      ELSE 'stays with the retired table, whose column has no counterpart in the clean one'
    END
  FROM pg_catalog.pg_attribute AS a
  CROSS JOIN LATERAL ACLEXPLODE(a.attacl) AS acl
  WHERE a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped
  GROUP BY a.attname, acl.grantee
) AS s
ORDER BY s.object

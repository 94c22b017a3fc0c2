-- What: the view artworks_v2 on the table that is called artworks now, with the table's owner and grants.
-- Why: code that names artworks_v2 goes on working until it is deployed anew; reads and writes pass through the view. security_invoker: row
--   level security applies to the role that asks, not to the view's owner.
-- Inverse: in the rows.
-- Locks: none; the view is new.
-- Stage: locked
SELECT
  'compatibility view public.artworks_v2' AS object,
  s."do",
  s.undo
FROM (
  SELECT
    1 AS place,
    'CREATE VIEW public.artworks_v2 WITH (security_invoker = true) AS SELECT '
    || STRING_AGG(FORMAT('a.%I', a.attname), ', ' ORDER BY a.attnum) || ' FROM public.artworks AS a' AS "do",
    'DROP VIEW IF EXISTS public.artworks_v2' AS undo
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = 'public.artworks_v2'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT
    2,
    'SELECT artwork_migration.revoke_from_all(''TABLE'', ''public.artworks_v2'')',
    NULL
  UNION ALL
  SELECT
    3,
    FORMAT(
      'GRANT %s%s ON public.artworks_v2 TO %s%s',
      g.privilege_type,
      g.column_list,
      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(g.grantee)) END,
      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    ),
    NULL
  FROM (
    SELECT
      acl.grantee,
      acl.privilege_type,
      acl.is_grantable,
      '' AS column_list
    FROM pg_catalog.pg_class AS c
    CROSS JOIN LATERAL ACLEXPLODE(c.relacl) AS acl
    WHERE c.oid = 'public.artworks_v2'::regclass AND acl.grantee <> c.relowner
    UNION ALL
    SELECT
      acl.grantee,
      acl.privilege_type,
      acl.is_grantable,
      FORMAT(' (%I)', a.attname)
    FROM pg_catalog.pg_attribute AS a
    CROSS JOIN LATERAL ACLEXPLODE(a.attacl) AS acl
    WHERE a.attrelid = 'public.artworks_v2'::regclass AND NOT a.attisdropped
  ) AS g
  UNION ALL
  SELECT
    4,
    FORMAT('ALTER VIEW public.artworks_v2 OWNER TO %I', PG_GET_USERBYID(c.relowner)),
    NULL
  FROM pg_catalog.pg_class AS c
  WHERE c.oid = 'public.artworks_v2'::regclass
) AS s
ORDER BY s.place, s."do"

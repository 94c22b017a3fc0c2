-- What: a policy, a grant or a row level security flag of the legacy table that the clean table does not have in the same way.
-- Why: law 8: who may read what must be the same after the switch; what was changed since deploy_schema must be changed on both.
-- Locks: none.
-- Remedy: Do the same on artworks_v2 (or take it back), then plan again.
WITH halves AS (
  SELECT
    c.oid,
    c.relrowsecurity,
    c.relforcerowsecurity,
    c.relowner,
    c.relacl,
    c.oid = 'public.artworks'::regclass AS legacy
  FROM pg_catalog.pg_class AS c
  WHERE c.oid IN ('public.artworks'::regclass, 'public.artworks_v2'::regclass)
),

access AS (
  SELECT
    h.legacy,
    'policy ' || QUOTE_IDENT(p.polname) AS subject,
    CONCAT_WS(
      ' ',
      p.polcmd,
      p.polpermissive,
      p.polroles,
      REGEXP_REPLACE(PG_GET_EXPR(p.polqual, p.polrelid), '\martworks(_v2)?\M', 'artworks', 'g'),
      'check',
      REGEXP_REPLACE(PG_GET_EXPR(p.polwithcheck, p.polrelid), '\martworks(_v2)?\M', 'artworks', 'g')
    ) AS what
  FROM halves AS h
  INNER JOIN pg_catalog.pg_policy AS p ON h.oid = p.polrelid
  UNION ALL
  SELECT
    h.legacy,
    'grants to ' || CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(acl.grantee)) END,
    STRING_AGG(acl.privilege_type || acl.is_grantable, ' ' ORDER BY acl.privilege_type)
  FROM halves AS h
  CROSS JOIN LATERAL ACLEXPLODE(h.relacl) AS acl
  WHERE acl.grantee <> h.relowner
  GROUP BY h.legacy, acl.grantee
  UNION ALL
  SELECT
    h.legacy,
    'row level security',
    CONCAT_WS(' ', h.relrowsecurity, h.relforcerowsecurity)
  FROM halves AS h
  UNION ALL
  SELECT
    h.legacy,
    'owner',
    PG_GET_USERBYID(h.relowner)
  FROM halves AS h
)

SELECT
  a.subject,
  'it is not the same on artworks and artworks_v2.' AS problem
FROM access AS a
GROUP BY a.subject
HAVING ARRAY_AGG(a.what) FILTER (WHERE a.legacy) IS DISTINCT FROM ARRAY_AGG(a.what) FILTER (WHERE NOT a.legacy)
ORDER BY a.subject

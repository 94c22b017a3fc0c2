-- What: a policy, a grant or a row level security flag that differs between the legacy table and the clean table.
-- Why: law 8: the same roles must read the same rows after the tables have changed names; a change to one table must be made to both.
--   Checked before the switch and before the rollback.
-- Locks: none.
-- Remedy: Do the same on both tables (or take it back), then plan again. A statement here makes the other table like the serving one.
WITH halves AS (
  SELECT
    c.oid,
    c.relrowsecurity,
    c.relforcerowsecurity,
    c.relowner,
    c.relacl,
    c.oid::regclass AS name,
    c.oid = 'public.artworks'::regclass AS serves
  FROM pg_catalog.pg_class AS c
  WHERE c.oid IN ('public.artworks'::regclass, COALESCE(TO_REGCLASS('public.artworks_old'), TO_REGCLASS('public.artworks_v2')))
),

access AS (
  SELECT
    h.serves,
    'policy ' || QUOTE_IDENT(p.polname) AS subject,
    CONCAT_WS(
      ' ',
      p.polcmd,
      p.polpermissive,
      p.polroles,
      REGEXP_REPLACE(PG_GET_EXPR(p.polqual, p.polrelid), '\martworks(_v2|_old)?\M', 'artworks', 'g'),
      'check',
      REGEXP_REPLACE(PG_GET_EXPR(p.polwithcheck, p.polrelid), '\martworks(_v2|_old)?\M', 'artworks', 'g')
    ) AS what
  FROM halves AS h
  INNER JOIN pg_catalog.pg_policy AS p ON h.oid = p.polrelid
  UNION ALL
  SELECT
    h.serves,
    'grants to ' || CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(acl.grantee)) END,
    STRING_AGG(acl.privilege_type || acl.is_grantable, ' ' ORDER BY acl.privilege_type)
  FROM halves AS h
  CROSS JOIN LATERAL ACLEXPLODE(h.relacl) AS acl
  WHERE acl.grantee <> h.relowner
  GROUP BY h.serves, acl.grantee
  UNION ALL
  SELECT
    h.serves,
    'grants on column ' || QUOTE_IDENT(a.attname),
    (
      SELECT STRING_AGG(CONCAT_WS(' ', x.grantee, x.privilege_type, x.is_grantable), ', ' ORDER BY x.grantee, x.privilege_type)
      FROM ACLEXPLODE(a.attacl) AS x
    )
  FROM halves AS h
  INNER JOIN pg_catalog.pg_attribute AS a ON h.oid = a.attrelid
  -- a column that only one of the tables has is no drift
  WHERE
    a.attnum > 0 AND NOT a.attisdropped
    AND EXISTS (
      SELECT FROM pg_catalog.pg_attribute AS b INNER JOIN halves AS o ON b.attrelid = o.oid
      WHERE b.attname = a.attname AND b.attrelid <> a.attrelid AND NOT b.attisdropped
    )
  UNION ALL
  SELECT
    h.serves,
    'row level security',
    CONCAT_WS(' ', h.relrowsecurity, h.relforcerowsecurity)
  FROM halves AS h
  UNION ALL
  SELECT
    h.serves,
    'owner',
    PG_GET_USERBYID(h.relowner)
  FROM halves AS h
)

SELECT
  a.subject,
  'it differs between the two tables.' AS problem,
  CASE a.subject
    WHEN 'row level security' THEN (
      SELECT
        FORMAT(
          'ALTER TABLE %s %s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY',
          other.name,
          CASE WHEN serving.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END,
          CASE WHEN serving.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END
        )
      FROM halves AS serving
      INNER JOIN halves AS other ON serving.serves AND NOT other.serves
    )
  END AS statement
FROM access AS a
GROUP BY a.subject
HAVING ARRAY_AGG(a.what) FILTER (WHERE a.serves) IS DISTINCT FROM ARRAY_AGG(a.what) FILTER (WHERE NOT a.serves)
ORDER BY a.subject

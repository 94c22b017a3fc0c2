-- What: the connected role does not own a table that gets our triggers or keys.
-- Why: only the owner, or a member of the owning role, can create them.
-- Locks: none.
-- Remedy: Connect as the owner, or GRANT the owning role to this role.
SELECT
  'table ' || t.oid::regclass AS subject,
  FORMAT('its owner is %s, and %s is not a member of that role.', PG_GET_USERBYID(c.relowner), CURRENT_USER) AS problem
FROM (
  SELECT TO_REGCLASS('public.artworks') AS oid
  UNION
  SELECT CASE WHEN CAST(:creates_users AS boolean) THEN TO_REGCLASS('public.users') END
  UNION
  SELECT k.conrelid
  FROM pg_catalog.pg_constraint AS k
  WHERE k.contype = 'f' AND k.confrelid = TO_REGCLASS('public.artworks')
) AS t
INNER JOIN pg_catalog.pg_class AS c ON t.oid = c.oid
WHERE NOT PG_HAS_ROLE(c.relowner, 'USAGE')
ORDER BY 1

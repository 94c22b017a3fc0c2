-- What: the table whose rows own artworks, by its quoted name and its column, what the clean table's key to it does if that id changes, and
--   whether anonymous users are created in it.
-- Why: decided here and nowhere else. The legacy table's key of user_id says which table it is; without such a key it is public.users.
--   Users are created in public.users only, and only if they are ours to make: the rows of auth.users, or of a table whose id references
--   another one, come with a sign-up. artworks_old is the legacy table after the switch. The clean key does what the legacy one does;
--   where users are created it cascades, because an anonymous user gets another id when it is claimed.
-- Locks: none; reads the catalog.
SELECT
  o.relation,
  o.column_name,
  o.creates_users,
  CASE
    WHEN o.creates_users OR o.update_action = 'c' THEN 'CASCADE'
    WHEN o.update_action = 'n' THEN 'SET NULL'
    WHEN o.update_action = 'd' THEN 'SET DEFAULT'
    WHEN o.update_action = 'r' THEN 'RESTRICT'
    ELSE 'NO ACTION'
  END AS on_update
FROM (
  SELECT
    COALESCE(k.relation, 'public.users') AS relation,
    COALESCE(k.column_name, 'id') AS column_name,
    k.update_action,
    COALESCE(k.relation = 'public.users' AND k.column_name = 'id', TRUE) AND NOT EXISTS (
      SELECT
      FROM pg_catalog.pg_constraint AS e
      INNER JOIN pg_catalog.pg_attribute AS i ON e.conrelid = i.attrelid AND i.attnum = ANY(e.conkey)
      WHERE e.contype = 'f' AND e.conrelid = TO_REGCLASS('public.users') AND i.attname = 'id'
    ) AS creates_users
  FROM (VALUES (COALESCE(TO_REGCLASS('public.artworks_old'), TO_REGCLASS('public.artworks')))) AS legacy (oid)
  LEFT JOIN LATERAL (
    SELECT
      FORMAT('%I.%I', n.nspname, r.relname) AS relation,
      f.attname::text AS column_name,
      c.confupdtype AS update_action
    FROM pg_catalog.pg_constraint AS c
    INNER JOIN pg_catalog.pg_attribute AS a ON c.conrelid = a.attrelid AND c.conkey = ARRAY[a.attnum]
    INNER JOIN pg_catalog.pg_attribute AS f ON c.confrelid = f.attrelid AND c.confkey = ARRAY[f.attnum]
    INNER JOIN pg_catalog.pg_class AS r ON c.confrelid = r.oid
    INNER JOIN pg_catalog.pg_namespace AS n ON r.relnamespace = n.oid
    WHERE c.contype = 'f' AND c.conrelid = legacy.oid AND a.attname = 'user_id' AND c.conparentid = 0
    ORDER BY c.confrelid = TO_REGCLASS('public.users') DESC NULLS LAST, c.conname
    LIMIT 1
  ) AS k ON TRUE
) AS o

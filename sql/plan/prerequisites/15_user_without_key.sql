-- What: artworks.user_id exists, but no validated foreign key protects it.
-- Why: the clean table cannot hold a user_id that matches no row of the table that owns artworks; that table is known by this key.
-- Locks: none.
-- Remedy: Add a foreign key to users (id), or to the table of your platform that has the accounts (auth.users), with ON DELETE SET NULL, or
--   VALIDATE the one that there is. If that fails with 23503, some artworks name an owner that does not exist: set their user_id to NULL
--   first.
SELECT
  'public.artworks.user_id' AS subject,
  'it has no validated foreign key.' AS problem,
  COALESCE(
    'ALTER TABLE public.artworks VALIDATE CONSTRAINT ' || QUOTE_IDENT(k.conname),
    (
      SELECT FORMAT('ALTER TABLE public.artworks ADD FOREIGN KEY (user_id) REFERENCES %s (id) ON DELETE SET NULL', u.name)
      FROM (VALUES (1, 'public.users'), (2, 'auth.users')) AS u (place, name)
      WHERE TO_REGCLASS(u.name) IS NOT NULL
      ORDER BY u.place
      LIMIT 1
    )
  ) AS statement
FROM pg_catalog.pg_attribute AS a
LEFT JOIN LATERAL (
  SELECT
    c.conname,
    c.convalidated
  FROM pg_catalog.pg_constraint AS c
  WHERE c.contype = 'f' AND c.conrelid = a.attrelid AND c.conkey = ARRAY[a.attnum]
  ORDER BY c.convalidated DESC, c.conname
  LIMIT 1
) AS k ON TRUE
WHERE a.attrelid = TO_REGCLASS('public.artworks') AND a.attname = 'user_id' AND NOT a.attisdropped AND k.convalidated IS NOT TRUE

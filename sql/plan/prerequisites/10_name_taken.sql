-- What: a name that the migration uses is already in use.
-- Why: no object of the application may be replaced by ours or be mistaken for ours.
-- Locks: none.
-- Remedy: Rename or drop the object if it is not needed.
SELECT
  n.subject,
  'the name is already in use.' AS problem
FROM (
  SELECT c.oid::regclass::text AS subject
  FROM pg_catalog.pg_class AS c
  WHERE
    c.relnamespace = 'public'::regnamespace
    AND (
      c.relname IN ('artworks_v2', 'artworks_old') OR c.relname LIKE 'artworks\_v2\_%'
      -- a missing table users is created with these keys
      OR (c.relname IN ('users_pkey', 'users_email_key') AND TO_REGCLASS('public.users') IS NULL AND CAST(:creates_users AS boolean))
    )
  UNION ALL
  SELECT p.oid::regprocedure::text
  FROM pg_catalog.pg_proc AS p
  WHERE
    p.pronamespace = 'public'::regnamespace
    AND p.proname IN (
      'create_artwork', 'update_artwork_lifecycle', 'get_artwork_by_token', 'get_customer_artworks', 'request_artwork_upscale',
      'claim_anonymous_user', 'artwork_schema_for', 'raise_error', 'require_email', 'require_upload', 'artwork_lifecycle'
    )
  UNION ALL
  SELECT 'type ' || t.oid::regtype
  FROM pg_catalog.pg_type AS t
  WHERE
    t.typnamespace = 'public'::regnamespace AND t.typrelid = 0
    AND (t.typname = 'artworks_v2' OR (t.typname = 'users' AND TO_REGCLASS('public.users') IS NULL AND CAST(:creates_users AS boolean)))
  UNION ALL
  SELECT FORMAT('trigger %s on %s', g.tgname, g.tgrelid::regclass)
  FROM pg_catalog.pg_trigger AS g
  WHERE STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
  UNION ALL
  SELECT 'schema legacy_names'
  WHERE CAST(:serve_old_names AS boolean) AND TO_REGNAMESPACE('legacy_names') IS NOT NULL
  UNION ALL
  SELECT 'schema artwork_migration (it is not our ledger)'
  WHERE TO_REGNAMESPACE('artwork_migration') IS NOT NULL AND TO_REGCLASS('artwork_migration.phase_history') IS NULL
) AS n
ORDER BY n.subject

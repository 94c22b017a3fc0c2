-- What: keys and indexes that the clean table needs and that are missing, and any of its keys and indexes that is not valid.
-- Why: they are created after the copy. The application's queries need the indexes, and its errors come from the keys.
-- Locks: none on a table of the application.
WITH needed (name, is_unique) AS (
  VALUES
  ('artworks_v2_pkey', TRUE),
  ('artworks_v2_access_token_key', TRUE),
  ('artworks_v2_user_id_fkey', FALSE),
  ('artworks_v2_user_id_idx', FALSE),
  ('artworks_v2_customer_email_created_at_idx', FALSE),
  ('artworks_v2_generation_waiting_idx', FALSE),
  ('artworks_v2_upscale_waiting_idx', FALSE),
  ('artworks_v2_generation_recent_idx', FALSE)
),

present AS (
  SELECT
    c.relname::text AS name,
    i.indisvalid AS is_valid,
    i.indisunique AS is_unique
  FROM pg_catalog.pg_index AS i
  INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
  WHERE i.indrelid = 'public.artworks_v2'::regclass
  UNION ALL
  SELECT
    k.conname::text AS name,
    k.convalidated AND k.confrelid = (SELECT TO_REGCLASS(t.relation) FROM artwork_migration.owner_table AS t) AS is_valid,
    FALSE AS is_unique
  FROM pg_catalog.pg_constraint AS k
  WHERE k.conrelid = 'public.artworks_v2'::regclass AND k.contype = 'f'
)

SELECT
  NULL::uuid AS id,
  ARRAY[COALESCE(n.name, p.name)] AS about
FROM needed AS n
FULL JOIN present AS p ON n.name = p.name
WHERE p.is_valid IS NOT TRUE OR (n.is_unique AND NOT p.is_unique);

-- Checked:
SELECT COUNT(*) FROM pg_catalog.pg_class AS c WHERE c.oid = 'public.artworks_v2'::regclass

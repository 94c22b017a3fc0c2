-- What: keys and indexes that the serving table needs and that are missing or not valid.
-- Why: the application's queries need the indexes, its errors come from the keys, and in thirty days a person may remove one.
-- Locks: none on a table of the application.
WITH needed (name) AS (
  VALUES
  ('artworks_pkey'),
  ('artworks_access_token_key'),
  ('artworks_user_id_fkey'),
  ('artworks_user_id_idx'),
  ('artworks_customer_email_created_at_idx'),
  ('artworks_generation_waiting_idx'),
  ('artworks_upscale_waiting_idx'),
  ('artworks_generation_recent_idx')
),

sound AS (
  SELECT c.relname AS name
  FROM pg_catalog.pg_index AS i
  INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
  WHERE i.indrelid = 'public.artworks'::regclass AND i.indisvalid AND (i.indisunique OR c.relname NOT LIKE '%key')
  UNION ALL
  SELECT k.conname
  FROM pg_catalog.pg_constraint AS k
  WHERE
    k.conrelid = 'public.artworks'::regclass AND k.contype = 'f' AND k.convalidated
    AND k.confrelid = (SELECT TO_REGCLASS(t.relation) FROM artwork_migration.owner_table AS t)
)

SELECT
  NULL::uuid AS id,
  ARRAY[n.name] AS about
FROM needed AS n
WHERE n.name NOT IN (SELECT s.name FROM sound AS s);

-- Checked:
SELECT COUNT(*) FROM pg_catalog.pg_class AS c WHERE c.oid = 'public.artworks'::regclass

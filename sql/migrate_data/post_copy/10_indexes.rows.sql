-- What: the secondary indexes of the clean table that do not exist yet, one for each query of the product.
-- Why: created after the copy, they cost a fraction of what they would cost the copy. An index left by a killed attempt is invalid and is
--   dropped.
-- Inverse: deploy_schema/20_clean_table.sql drops the table as a whole.
-- Locks: SHARE UPDATE EXCLUSIVE on public.artworks_v2; it waits for open transactions, but nobody waits for it.
-- Stage: after
SELECT
  s.object,
  s.statement AS "do"
FROM (
  VALUES
  (1, 'artworks_v2_user_id_idx', '(user_id)'),
  (2, 'artworks_v2_customer_email_created_at_idx', '(customer_email, created_at DESC)'),
  (3, 'artworks_v2_generation_waiting_idx', '(generation_status) WHERE generation_status IN (''pending'', ''processing'')'),
  (4, 'artworks_v2_upscale_waiting_idx', '(upscale_status) WHERE upscale_status IN (''pending'', ''processing'')'),
  (
    5, 'artworks_v2_generation_recent_idx',
    '(generation_completed_at DESC) WHERE generation_started_at IS NOT NULL AND generation_completed_at IS NOT NULL'
  )
) AS w (place, name, definition)
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = TO_REGCLASS('public.' || w.name)
CROSS JOIN
  LATERAL (
    VALUES
    (1, 'invalid index ' || w.name, FORMAT('DROP INDEX CONCURRENTLY IF EXISTS public.%I', w.name)),
    (2, 'index ' || w.name, FORMAT('CREATE INDEX CONCURRENTLY %I ON public.artworks_v2 %s', w.name, w.definition))
  )
    AS s (place, object, statement)
WHERE i.indisvalid IS NOT TRUE AND (s.place = 2 OR i.indexrelid IS NOT NULL)
ORDER BY w.place, s.place

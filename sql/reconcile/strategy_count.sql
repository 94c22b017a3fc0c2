-- What: the strategy's WHERE clause, written anew on the bare tables, against what stands in the clean table.
-- Why: law 1: the number migrated is checked by a query that knows nothing of the mapping view; whatever differs is counted under the
--   deviation that explains it, or as unexplained, which is red.
-- Locks: ACCESS SHARE on both tables; run it in the transaction of look.sql.
INSERT INTO artwork_migration.strategy_count (run, in_strategy, migrated, deviation, row_count)
SELECT
  :run,
  s.in_strategy,
  s.migrated,
  CASE
    WHEN s.in_strategy = s.migrated THEN ''
    WHEN s.id IN (SELECT UNNEST(l.ids) FROM artwork_migration.legacy_change AS l) THEN 'pending'
    WHEN s.id IN (SELECT r.id FROM artwork_migration.refused_write AS r) THEN 'refused'
    WHEN s.migrated AND s.id IN (SELECT t.id FROM artwork_migration.clean_touched AS t) THEN 'changed on the clean side'
    WHEN s.migrated AND s.has_email_and_token AND s.generation_status = 'completed' AND s.original_image_url IS NULL
      THEN 'original_image_url is NULL'
    WHEN s.migrated AND s.has_email_and_token AND s.id IN (SELECT o.id FROM artwork_migration.referenced_artwork AS o)
      THEN 'referenced by another table'
    WHEN NOT s.migrated AND NOT s.has_email_and_token THEN 'blank e-mail or token'
    WHEN NOT s.migrated AND s.id IN (SELECT q.id FROM artwork_migration.quarantine AS q) THEN 'quarantined'
    ELSE 'unexplained'
  END AS deviation,
  COUNT(*)
FROM (
  SELECT
    a.id,
    a.original_image_url,
    a.generation_status,
    (
      a.customer_email IS NOT NULL
      AND a.access_token IS NOT NULL
      AND a.original_image_url NOT LIKE 'test-%'
      AND a.generation_status = 'completed'
    ) IS TRUE AS in_strategy,
    COALESCE(BTRIM(a.customer_email, E' \t\r\n'), '') <> ''
    AND COALESCE(BTRIM(a.access_token, E' \t\r\n'), '') <> '' AS has_email_and_token,
    c.id IS NOT NULL AS migrated
  FROM public.artworks AS a
  LEFT JOIN public.artworks_v2 AS c ON a.id = c.id
) AS s
GROUP BY s.in_strategy, s.migrated, 4

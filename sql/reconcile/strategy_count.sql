-- What: the strategy's WHERE clause and the listed deviations from it, applied to the two tables and compared with the clean table.
-- Why: law 1: this query does not use the mapping view, so it checks the number of migrated rows independently. Each difference is counted
--   under the deviation that explains it, or as unexplained, which is red. Each unexplained row is a finding about the reasons to exclude
--   it, or, if it should have been migrated, about its disposition in the mapping view.
-- Locks: ACCESS SHARE on the two tables; run it in the snapshot of `compare`.
WITH row_of_both AS (
  SELECT
    a.id,
    c.id IS NOT NULL AS migrated,
    t.id IS NOT NULL AS touched,
    (
      a.customer_email IS NOT NULL
      AND a.access_token IS NOT NULL
      AND a.original_image_url NOT LIKE 'test-%'
      AND a.generation_status = 'completed'
    ) IS TRUE AS in_strategy,
    CASE
      WHEN a.original_image_url LIKE 'test-%' AND NOT (d.migrate AND r.id IS NOT NULL) THEN 'test_data'
      WHEN a.customer_email IS NULL OR BTRIM(a.customer_email, E' \t\r\n') = '' THEN 'no_email'
      WHEN a.access_token IS NULL OR BTRIM(a.access_token, E' \t\r\n') = '' THEN 'no_access_token'
      WHEN a.generation_status = 'completed' OR r.id IS NOT NULL THEN ''
      WHEN a.generation_status IN ('pending', 'processing') THEN 'in_flight, abandoned'
      ELSE 'not_completed'
    END AS reasons,
    a.generation_status = 'completed' AS completed,
    a.original_image_url LIKE 'test-%' AS test_data
  FROM public.artworks AS a
  LEFT JOIN public.artworks_v2 AS c ON a.id = c.id
  LEFT JOIN artwork_migration.clean_modified AS t ON a.id = t.id
  -- joined, because an IN within CASE is looked up row by row once it does not fit into memory
  LEFT JOIN (SELECT DISTINCT x.id FROM artwork_migration.referenced_artwork AS x) AS r ON a.id = r.id
  CROSS JOIN (
    SELECT COALESCE(
      (SELECT n.value FROM artwork_migration.decision AS n WHERE n.name = 'ordered_test_data' ORDER BY n.number DESC LIMIT 1), ''
    ) = 'migrate' AS migrate
  ) AS d
),

counted AS (
  SELECT
    e.in_strategy,
    e.migrated,
    e.deviation,
    -- the number of the rows; row_counter shows it while they are compared (progress.sql)
    COUNT(NEXTVAL('artwork_migration.row_counter')) AS row_count,
    ARRAY_AGG(e.id) FILTER (WHERE e.deviation = 'unexplained') AS ids,
    ARRAY_AGG(e.reasons) FILTER (WHERE e.deviation = 'unexplained') AS reasons
  FROM (
    SELECT
      s.id,
      s.in_strategy,
      s.migrated,
      s.reasons,
      CASE
        WHEN s.migrated = (s.touched OR s.reasons = '')
          THEN
            CASE
              WHEN s.in_strategy = s.migrated THEN ''
              WHEN NOT s.migrated THEN 'blank e-mail or token'
              WHEN s.touched THEN 'changed on the clean side'
              WHEN s.test_data THEN 'referenced by another table'
              WHEN s.completed THEN 'original_image_url is NULL'
              ELSE 'referenced by another table'
            END
        WHEN l.id IS NOT NULL THEN 'pending'
        WHEN w.id IS NOT NULL THEN 'refused'
        WHEN NOT s.migrated AND q.id IS NOT NULL THEN 'quarantined'
        ELSE 'unexplained'
      END AS deviation
    FROM row_of_both AS s
    LEFT JOIN (SELECT DISTINCT p.id FROM artwork_migration.pending_artwork AS p) AS l ON s.id = l.id
    LEFT JOIN artwork_migration.rejected_write AS w ON s.id = w.id
    LEFT JOIN artwork_migration.quarantine AS q ON s.id = q.id
  ) AS e
  GROUP BY e.in_strategy, e.migrated, e.deviation
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    'strategy_count',
    x.id,
    CASE WHEN c.migrated THEN STRING_TO_ARRAY(x.reasons, ', ') ELSE ARRAY[l.disposition] END
  FROM counted AS c
  CROSS JOIN LATERAL UNNEST(c.ids, c.reasons) AS x (id, reasons)
  INNER JOIN artwork_migration.legacy_artwork AS l ON x.id = l.id
)

INSERT INTO artwork_migration.strategy_count (run, in_strategy, migrated, deviation, row_count)
SELECT
  :run,
  c.in_strategy,
  c.migrated,
  c.deviation,
  c.row_count
FROM counted AS c

-- What: how many customers have how many artworks, in the legacy table and in the clean table; ten means ten or more.
-- Why: the report shows that the migration removes retries and test rows of customers, and nothing else. A customer is an e-mail.
-- Locks: ACCESS SHARE on both tables; run it in the snapshot of `compare`.
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'artworks_per_customer',
  n.side,
  LEAST(n.artworks, 10),
  COUNT(*)
FROM (
  SELECT
    'legacy' AS side,
    COUNT(*) AS artworks
  FROM public.artworks AS a
  WHERE BTRIM(a.customer_email, E' \t\r\n') <> ''
  GROUP BY a.customer_email
  UNION ALL
  SELECT
    'clean' AS side,
    COUNT(*) AS artworks
  FROM public.artworks_v2 AS c
  GROUP BY c.customer_email
) AS n
GROUP BY n.side, LEAST(n.artworks, 10)

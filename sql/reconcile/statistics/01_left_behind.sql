-- What: the legacy rows without a clean row, by reason and by month of creation (UTC).
-- Why: the report shows when the excluded rows were created. A reason that still grows is a defect of the product.
-- Locks: ACCESS SHARE on both tables and public.users; run it in the snapshot of `compare`.
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'left_behind',
  b.reason,
  COALESCE(TO_CHAR(b.month, 'YYYY-MM'), 'unknown'),
  SUM(b.row_count)
FROM (
  SELECT
    COALESCE(NULLIF(l.disposition, 'eligible'), CASE WHEN q.id IS NOT NULL THEN 'quarantined' ELSE 'missing' END) AS reason,
    DATE_TRUNC('month', l.created_at, 'UTC') AT TIME ZONE 'UTC' AS month,
    COUNT(*) AS row_count
  FROM artwork_migration.legacy_artwork AS l
  LEFT JOIN artwork_migration.quarantine AS q ON l.id = q.id
  WHERE NOT EXISTS (SELECT FROM public.artworks_v2 AS c WHERE c.id = l.id)
  GROUP BY 1, 2
) AS b
GROUP BY 3, 4

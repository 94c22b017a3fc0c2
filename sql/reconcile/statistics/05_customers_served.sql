-- What: of a gradual rollout, the customers whom the clean table serves before the switch, and the verdicts on their artworks.
-- Why: the report shows how well what they see agrees with the legacy table. Without a move in force nothing is read.
-- Locks: ACCESS SHARE on both tables and public.users; run it in the snapshot of `compare`.
WITH moved AS MATERIALIZED (
  SELECT DISTINCT
    a.id,
    a.key
  FROM artwork_migration.customer_artwork AS a
  INNER JOIN artwork_migration.share_served AS s ON a.bucket = s.bucket
  LEFT JOIN artwork_migration.single_served AS o ON a.key = o.key
  WHERE
    EXISTS (SELECT FROM artwork_migration.customer_move AS m WHERE m.in_force)
    AND COALESCE(o.served_by, s.served_by) = 'clean'
)

INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'customers_served',
  'customers',
  '',
  COUNT(DISTINCT m.key)
FROM moved AS m
HAVING COUNT(*) > 0
UNION ALL
SELECT
  :run,
  'customers_served_artworks',
  v.verdict,
  '',
  COUNT(*)
FROM artwork_migration.verdict AS v
INNER JOIN (SELECT DISTINCT m.id FROM moved AS m) AS n ON v.id = n.id
WHERE EXISTS (SELECT FROM artwork_migration.customer_move AS k WHERE k.in_force)
GROUP BY v.verdict

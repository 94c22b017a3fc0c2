-- What: of a gradual rollout, the customers whom the clean table serves before the switch, and their artworks in both tables.
-- Why: the report shows how far it is; every row of them is compared as all others are. Without a move in force nothing is read.
-- Locks: ACCESS SHARE on both tables; run it in the snapshot of `compare`.
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'customers_served',
  n.label,
  '',
  n.amount
FROM (
  SELECT
    COUNT(DISTINCT a.key) AS customers,
    COUNT(DISTINCT a.id) AS artworks
  FROM artwork_migration.customer_artwork AS a
  LEFT JOIN artwork_migration.single_served AS o ON a.key = o.key
  WHERE
    EXISTS (SELECT FROM artwork_migration.customer_move AS m WHERE m.in_force)
    -- an array, because the planner may look a bucket up in the view for each artwork
    AND COALESCE(
      o.served_by = 'clean', (ARRAY(SELECT s.served_by = 'clean' FROM artwork_migration.share_served AS s ORDER BY s.bucket))[a.bucket + 1]
    )
) AS c
CROSS JOIN LATERAL (VALUES ('artworks', c.artworks), ('customers', c.customers)) AS n (label, amount)
WHERE c.customers > 0

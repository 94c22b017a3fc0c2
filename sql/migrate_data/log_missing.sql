-- What: logs every row that should be in the clean table and is not; catch-up takes them from there.
-- Why: the anti-join pass: correctness never rests on block ranges, nor on a token having been free at the moment of the copy.
--   A row that a red reconciliation found wrong is taken once more as well, but never over a write of the clean side: that one stays red
--   until a person has looked at it.
-- Locks: none on a table of the application but ACCESS SHARE.
INSERT INTO artwork_migration.legacy_change (ids)
SELECT ARRAY_AGG(x.id)
FROM (
  SELECT l.id
  FROM artwork_migration.legacy_artwork AS l
  WHERE
    l.migratable
    AND NOT EXISTS (SELECT FROM public.artworks_v2 AS c WHERE c.id = l.id)
    AND NOT EXISTS (SELECT FROM artwork_migration.quarantine AS q WHERE q.id = l.id)
  UNION
  SELECT q.id FROM artwork_migration.quarantine AS q
  UNION
  SELECT f.id FROM artwork_migration.finding AS f LEFT JOIN artwork_migration.clean_modified AS t ON f.id = t.id
  WHERE
    f.run = (SELECT MAX(r.run) FROM artwork_migration.reconciliation AS r)
    AND (
      f.rule IN ('missing', 'pending')
      OR (f.rule IN ('extra', 'differs') AND t.id IS NULL)
    )
) AS x
HAVING COUNT(*) > 0

-- What: looks again at just the ids that were pending, after a catch-up; those that agree now are no finding any more.
-- Why: on a live database some ids are always on their way; a gate may be green only if a second look at them leaves none.
-- Locks: ACCESS SHARE on both tables; run it in a REPEATABLE READ transaction.
WITH pending AS (
  DELETE FROM artwork_migration.finding AS f
  WHERE f.run = :run AND f.rule = 'pending'
  RETURNING f.id
)

INSERT INTO artwork_migration.finding (run, rule, id, about)
SELECT
  :run,
  v.verdict,
  v.id,
  v.about
FROM artwork_migration.verdict AS v
WHERE
  v.id = ANY(ARRAY(SELECT p.id FROM pending AS p))
  AND v.verdict NOT IN ('match', 'excluded')
ON CONFLICT (run, rule, id) DO NOTHING

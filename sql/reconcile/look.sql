-- What: compares every row of both sides once, in one snapshot, and writes the verdict counts and the ids behind the bad ones.
-- Why: law 1 and law 2; whatever judges or reports afterwards reads these rows, so all of them speak of one database.
-- Locks: ACCESS SHARE on both tables; run it in a REPEATABLE READ transaction.
WITH counted AS (
  SELECT
    v.verdict,
    v.reason,
    v.legacy_row,
    v.about,
    COUNT(*) AS row_count,
    ARRAY_AGG(v.id) FILTER (WHERE v.verdict NOT IN ('match', 'excluded')) AS ids
  FROM artwork_migration.verdict AS v
  GROUP BY v.verdict, v.reason, v.legacy_row, v.about
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    c.verdict,
    x.id,
    c.about
  FROM counted AS c
  CROSS JOIN LATERAL UNNEST(c.ids) AS x (id)
)

INSERT INTO artwork_migration.reconciliation (run, verdict, reason, row_count, legacy_row, snapshot_at, lsn)
SELECT
  :run,
  c.verdict,
  c.reason,
  SUM(c.row_count),
  c.legacy_row,
  NOW(),
  PG_CURRENT_WAL_LSN()
FROM counted AS c
GROUP BY c.verdict, c.reason, c.legacy_row

-- The comparison of all rows before the switch, in its order. What has a file of its own in reconcile/ is run by name as well.

-- name: delete_earlier_results
-- What: forgets the rule results and findings of an earlier look in the same run, but for those of gates judged before it.
-- Why: a step may be run again when the connection was lost, and the gate `legacy_artworks` has written its findings by then.
-- Locks: none on a table of the application.
WITH measured AS (
  DELETE FROM artwork_migration.rule_result AS r
  WHERE r.run = :run AND r.suite = 'reconciliation'
)

DELETE FROM artwork_migration.finding AS f
WHERE f.run = :run AND NOT EXISTS (SELECT FROM artwork_migration.gate_result AS g WHERE g.run = f.run AND g.rule = f.rule);

-- name: compare
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
GROUP BY c.verdict, c.reason, c.legacy_row;

-- name: round_trip
-- What: notes the rows that agree with the mapping and would not be what the legacy table holds if they were written back.
-- Why: a mistake in the mapping's way forward is in the copy and in what reconcile expects alike; the way back knows nothing of it.
--   What this comparison has found already, or what is on its way, is left out; what another rule has found is not.
-- Locks: ACCESS SHARE on both tables; run it in the transaction of `compare`.
INSERT INTO artwork_migration.finding (run, rule, id, about)
SELECT
  :run,
  'round_trip',
  t.id,
  t.about
FROM artwork_migration.round_trip AS t
WHERE
  CARDINALITY(t.about) > 0
  AND NOT EXISTS (
    SELECT FROM artwork_migration.finding AS f
    WHERE f.run = :run AND f.id = t.id AND f.rule IN ('missing', 'extra', 'differs', 'pending', 'refused', 'quarantined', 'strategy_count')
  );

-- name: legacy_rows
-- What: how many rows the legacy table has.
-- Why: the sum of law 1 is held against this plain count, taken in the transaction of `compare`.
-- Locks: ACCESS SHARE on public.artworks.
SELECT COUNT(*) FROM public.artworks;

-- name: recheck
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
ON CONFLICT (run, rule, id) DO NOTHING;

-- name: verdict_counts
-- What: the rows under each verdict of one run.
-- Why: for the run's log and its row in phase_history.
-- Locks: none.
SELECT
  r.verdict,
  SUM(r.row_count)::bigint AS row_count
FROM artwork_migration.reconciliation AS r
WHERE r.run = :run
GROUP BY r.verdict
ORDER BY r.verdict;

-- The comparison of all rows before the switch, in its order. What has a file of its own in reconcile/ is run by name as well.

-- name: delete_earlier_results
-- What: deletes the rule results and findings of an earlier comparison in the same run, except those of gates judged before it.
-- Why: a step is repeated when the connection was lost, and by then the gate `legacy_artworks` has saved its findings.
-- Locks: none on a table of the application.
WITH measured AS (
  DELETE FROM artwork_migration.rule_result AS r
  WHERE r.run = :run AND r.suite = 'reconciliation'
)

DELETE FROM artwork_migration.finding AS f
WHERE f.run = :run AND NOT EXISTS (SELECT FROM artwork_migration.gate_result AS g WHERE g.run = f.run AND g.rule = f.rule);

-- name: compare
-- What: compares every row of both tables once, in one snapshot, and saves the verdict counts and the ids of wrong rows.
-- Why: law 1 and law 2. Gates and reports read these rows afterwards, so all of them describe one state of the database.
-- Locks: ACCESS SHARE on both tables; run it in a REPEATABLE READ transaction.
WITH counted AS (
  SELECT
    v.verdict,
    v.reason,
    v.legacy_row,
    v.about,
    COUNT(*) AS row_count,
    ARRAY_AGG(v.id) FILTER (WHERE v.verdict NOT IN ('match', 'excluded')) AS ids
  FROM (
    -- row_counter shows how many rows have a verdict (progress.sql)
    SELECT
      w.*,
      NEXTVAL('artwork_migration.row_counter') AS counted
    FROM artwork_migration.verdict AS w
  ) AS v
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
-- What: saves the rows that match the mapping but whose clean values, written back, would differ from the legacy values.
-- Why: an error in the forward mapping is in the copy and in what reconcile expects alike; the reverse mapping is independent of it.
-- Locks: ACCESS SHARE on both tables; run it in the snapshot of `compare`.
INSERT INTO artwork_migration.finding (run, rule, id, about)
SELECT
  :run,
  'round_trip',
  t.id,
  t.about
FROM artwork_migration.round_trip AS t
-- row_counter shows how many rows are compared (progress.sql)
WHERE CASE WHEN NEXTVAL('artwork_migration.row_counter') IS NOT NULL THEN CARDINALITY(t.about) > 0 END;

-- name: differences
-- What: saves how the values of each column differ in the first :most rows that :rule has found: counts by kind, never a value.
-- Why: a reader of the report sees what has happened to the values without looking at them.
-- Locks: ACCESS SHARE on both tables and public.users.
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'difference ' || :rule,
  f.column_name,
  CASE
    WHEN :rule = 'round_trip' THEN 'not written back as it was'
    WHEN v.clean = v.expected OR COALESCE(v.clean, v.expected) IS NULL THEN 'equal by now'
    WHEN v.expected IS NULL THEN 'NULL to a value'
    WHEN v.clean IS NULL THEN 'a value to NULL'
    WHEN LOWER(v.clean) = LOWER(v.expected) THEN 'letter case'
    WHEN REGEXP_REPLACE(v.clean, '\s', '', 'g') = REGEXP_REPLACE(v.expected, '\s', '', 'g') THEN 'blanks'
    WHEN STARTS_WITH(v.expected, v.clean) THEN 'shorter, with the same beginning'
    WHEN STARTS_WITH(v.clean, v.expected) THEN 'longer, with the same beginning'
    ELSE 'another value'
  END,
  COUNT(*)
FROM (
  SELECT
    x.about AS column_name,
    n.id,
    ROW_NUMBER() OVER (PARTITION BY x.about ORDER BY n.id) AS place
  FROM artwork_migration.finding AS n
  CROSS JOIN LATERAL UNNEST(n.about) AS x (about)
  WHERE n.run = :run AND n.rule = :rule
) AS f
INNER JOIN artwork_migration.expected_artwork AS e ON f.id = e.id
CROSS JOIN
  LATERAL (
    SELECT
      TO_JSONB(e) ->> f.column_name AS expected,
      TO_JSONB(e) -> 'clean' ->> f.column_name AS clean
  ) AS v
WHERE f.place <= :most
GROUP BY 3, 4
ON CONFLICT (run, name, label, detail) DO UPDATE SET value = excluded.value;

-- name: delete_found_twice
-- What: deletes the findings of `round_trip` about rows that another comparison has found wrong or in transit.
-- Why: a row that differs does so in both directions. What another rule has found says nothing about the mapping, and stays.
-- Locks: none on a table of the application.
DELETE FROM artwork_migration.finding AS f
WHERE f.ctid = ANY(ARRAY(
  SELECT x.row_ctid
  FROM (
    SELECT
      t.ctid AS row_ctid,
      t.rule,
      BOOL_OR(t.rule IN ('missing', 'extra', 'differs', 'pending', 'refused', 'quarantined', 'strategy_count'))
        OVER (PARTITION BY t.id) AS twice
    FROM artwork_migration.finding AS t
    WHERE t.run = :run
  ) AS x
  WHERE x.rule = 'round_trip' AND x.twice
));

-- name: legacy_rows
-- What: how many rows the legacy table has.
-- Why: the sum of law 1 must equal this plain count, taken in the snapshot of `compare`.
-- Locks: ACCESS SHARE on public.artworks.
SELECT COUNT(*) FROM public.artworks;

-- name: recheck
-- What: compares again, after a catch-up, the ids that were pending; those that match now are no finding any more.
-- Why: on a live database some ids are always in transit; a gate may be green only if this recheck leaves none.
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
-- What: the rows of one run by verdict.
-- Why: they are logged and saved in phase_history.
-- Locks: none.
SELECT
  r.verdict,
  SUM(r.row_count)::bigint AS row_count
FROM artwork_migration.reconciliation AS r
WHERE r.run = :run
GROUP BY r.verdict
ORDER BY r.verdict;

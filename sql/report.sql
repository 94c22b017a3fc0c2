-- What the report shows, made from the ledger alone.

-- name: reported_run
-- What: the newest run that compared every row and saved the results, with the time of its snapshot.
-- Why: the report is about one run and one state of the database. A run that was killed before the end has no sum, and nothing to report.
-- Locks: none.
SELECT
  h.run,
  h.verb,
  h.run_name,
  h.phase_before,
  h.begun_at,
  r.snapshot_at,
  r.lsn::text AS lsn,
  s.switched
FROM artwork_migration.phase_history AS h
INNER JOIN (
  SELECT
    n.run,
    MIN(n.snapshot_at) AS snapshot_at,
    MIN(n.lsn) AS lsn
  FROM artwork_migration.reconciliation AS n
  GROUP BY n.run
) AS r ON h.run = r.run
INNER JOIN (
  SELECT
    q.run,
    BOOL_OR(q.rule = 'live_sum') AS switched
  FROM artwork_migration.rule_result AS q
  WHERE q.rule IN ('sum', 'live_sum')
  GROUP BY q.run
) AS s ON h.run = s.run
ORDER BY h.run DESC
LIMIT 1;

-- name: approvals
-- What: the plans that were approved and run up to the run :run, with approver and reason.
-- Why: a reader who signs the report sees who approved each step.
-- Locks: none.
SELECT
  h.run,
  h.verb,
  h.plan,
  h.approved_by,
  h.reason,
  h.begun_at
FROM artwork_migration.phase_history AS h
WHERE h.run <= :run AND h.approved_by IS NOT NULL
ORDER BY h.run;

-- name: reviews
-- What: who has reviewed the report of the run :run, why and when, the first one first.
-- Why: a report is signed; the signature stands under it.
-- Locks: none.
SELECT
  d.approved_by,
  d.reason,
  d.decided_at
FROM artwork_migration.decision AS d
WHERE d.name = 'reviewed' AND d.value = CAST(:run AS text)
ORDER BY d.number;

-- name: sum
-- What: the sum of law 1 for the newest completed reconciliation: each legacy row under exactly one heading.
-- Why: it is the first question about any migration.
-- Locks: none.
SELECT
  CASE r.verdict WHEN 'match' THEN 'migrated' ELSE r.verdict END AS heading,
  r.reason,
  SUM(r.row_count) AS row_count,
  r.legacy_row,
  MIN(r.snapshot_at) AS snapshot_at
FROM artwork_migration.reconciliation AS r
WHERE r.run = (SELECT MAX(n.run) FROM artwork_migration.rule_result AS n WHERE n.rule IN ('sum', 'live_sum'))
GROUP BY r.verdict, r.reason, r.legacy_row
ORDER BY r.legacy_row DESC, r.verdict = 'match' DESC, 3 DESC;

-- name: legacy_rows
-- What: the plain count of the legacy table that the newest comparison that was finished took in its snapshot; a run that has switched over
--   has compared before and after.
-- Why: the sum is held against it.
-- Locks: none.
SELECT r.checked
FROM artwork_migration.rule_result AS r
WHERE r.rule IN ('sum', 'live_sum')
ORDER BY r.run DESC, r.rule = 'live_sum' DESC
LIMIT 1;

-- name: strategy
-- What: the strategy's own count for the newest completed reconciliation, and each deviation from it.
-- Why: the number of migrated rows must be explained from the strategy's WHERE clause.
-- Locks: none.
SELECT
  s.in_strategy,
  s.migrated,
  s.deviation,
  s.row_count
FROM artwork_migration.strategy_count AS s
WHERE s.run = (SELECT MAX(n.run) FROM artwork_migration.rule_result AS n WHERE n.rule IN ('sum', 'live_sum'))
ORDER BY s.in_strategy DESC, s.migrated DESC, s.deviation;

-- name: columns_not_carried
-- What: the legacy columns that are not carried over, with the number of values they held when the deployment was planned.
-- Why: no gate checks them, so the report lists them as not checked.
-- Locks: none.
SELECT
  c.key AS column_name,
  c.value::bigint AS value_count
FROM artwork_migration.phase_history AS h
INNER JOIN artwork_migration.plan AS p ON h.plan = p.number
CROSS JOIN LATERAL JSONB_EACH_TEXT(p.content #> '{facts,columns_not_carried}') AS c (key, value)
WHERE h.run = (SELECT MAX(d.run) FROM artwork_migration.phase_history AS d WHERE d.verb = 'deploy-schema' AND d.phase_after IS NOT NULL)
ORDER BY c.key;

-- name: gates_not_judged
-- What: the suites whose rules were measured in one run and then not judged.
-- Why: a gate that could not run has failed, and the report says so.
-- Locks: none.
SELECT DISTINCT r.suite
FROM artwork_migration.rule_result AS r
WHERE r.run = :run AND NOT EXISTS (SELECT FROM artwork_migration.gate_result AS g WHERE g.run = r.run AND g.suite = r.suite)
ORDER BY r.suite;

-- name: ids_to_decide
-- What: how many different ids stand behind the rules that make a gate red in one run.
-- Why: these, and no others, need a fix or a decision.
-- Locks: none.
SELECT COUNT(DISTINCT f.id)
FROM artwork_migration.finding AS f
INNER JOIN artwork_migration.gate_result AS g ON f.run = g.run AND f.rule = g.rule
WHERE f.run = :run AND g.red;

-- name: findings
-- What: the findings of one run by rule: how many ids, what they are about, the first :shown of them.
-- Why: the report shows a few and how to look at them; all of them are in the CSV.
-- Locks: none.
SELECT
  r.rule,
  r.id_count,
  COALESCE(g.suite, m.suite, '') AS suite,
  ARRAY(
    SELECT DISTINCT x.about FROM artwork_migration.finding AS f CROSS JOIN LATERAL UNNEST(f.about) AS x (about)
    WHERE f.run = :run AND f.rule = r.rule ORDER BY x.about
  ) AS about,
  ARRAY(
    SELECT f.id::text FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = r.rule ORDER BY f.id LIMIT :shown
  ) AS ids
FROM (
  SELECT
    n.rule,
    COUNT(*) AS id_count
  FROM artwork_migration.finding AS n
  WHERE n.run = :run
  GROUP BY n.rule
) AS r
LEFT JOIN artwork_migration.gate_result AS g ON r.rule = g.rule AND g.run = :run
LEFT JOIN artwork_migration.rule_result AS m ON r.rule = m.rule AND m.run = :run
ORDER BY g.red DESC NULLS LAST, r.rule;

-- name: differing_columns
-- What: by column, in how many rows of one run the clean value is not what the mapping makes of the legacy one, or back; the first :shown
--   ids, and how they differ.
-- Why: a reader asks first which columns differ, then in which rows, then what has happened to them.
-- Locks: none.
SELECT
  c.column_name,
  COUNT(*) AS row_count,
  ARRAY_AGG(c.id::text ORDER BY c.id) FILTER (WHERE c.place <= :shown) AS ids,
  ARRAY(
    SELECT FORMAT('%s: %s', s.detail, SUM(s.value))
    FROM artwork_migration.statistic AS s
    WHERE s.run = :run AND STARTS_WITH(s.name, 'difference ') AND s.label = c.column_name
    GROUP BY s.detail
    ORDER BY SUM(s.value) DESC, s.detail
  ) AS kinds
FROM (
  SELECT
    x.about AS column_name,
    n.id,
    ROW_NUMBER() OVER (PARTITION BY x.about ORDER BY n.id) AS place
  FROM artwork_migration.finding AS n
  CROSS JOIN LATERAL UNNEST(n.about) AS x (about)
  WHERE n.run = :run AND n.rule IN ('differs', 'live_differs', 'round_trip')
) AS c
GROUP BY c.column_name
ORDER BY 2 DESC, 1;

-- name: delete_older_findings
-- What: deletes the findings of the runs before :run.
-- Why: their reports are files with all ids; in a large table each run finds hundreds of thousands, and nothing reads them any more.
-- Locks: none on a table of the application.
DELETE FROM artwork_migration.finding AS f WHERE f.run < :run;

-- name: finding_rows
-- What: every finding of one run, with the rule's suite and severity: `not judged` if its gate was not, and information if no gate has it.
-- Why: the CSV beside the report.
-- Locks: none.
SELECT
  f.run,
  COALESCE(g.suite, m.suite, '') AS suite,
  f.rule,
  CASE WHEN g.rule IS NULL AND m.rule IS NOT NULL THEN 'not judged' ELSE COALESCE(g.severity, 'info') END AS severity,
  f.id::text AS id,
  ARRAY_TO_STRING(f.about, ' ') AS about,
  COALESCE(g.description, '') AS description
FROM artwork_migration.finding AS f
LEFT JOIN artwork_migration.gate_result AS g ON f.run = g.run AND f.rule = g.rule
LEFT JOIN artwork_migration.rule_result AS m ON f.run = m.run AND f.rule = m.rule
WHERE f.run = :run
ORDER BY f.rule, f.id;

-- name: show_artworks
-- What: both rows of a few artworks, as psql shows them; :ids is an array of ids.
-- Why: the report gives this query to the person who decides, because the report itself contains no value of a row.
-- Locks: ACCESS SHARE on both tables.
SELECT
  i.id,
  JSONB_PRETTY(TO_JSONB(a)) AS legacy,
  JSONB_PRETTY(TO_JSONB(c)) AS clean
FROM UNNEST(CAST(:ids AS uuid[])) AS i (id)
LEFT JOIN public.artworks AS a ON i.id = a.id
LEFT JOIN public.artworks_v2 AS c ON i.id = c.id;

-- name: show_retired_artworks
-- What: both rows of a few artworks after the switch, as psql shows them; :ids is an array of ids.
-- Why: as show_artworks, with the tables' names while the clean table serves.
-- Locks: ACCESS SHARE on both tables.
SELECT
  i.id,
  JSONB_PRETTY(TO_JSONB(a)) AS legacy,
  JSONB_PRETTY(TO_JSONB(c)) AS clean
FROM UNNEST(CAST(:ids AS uuid[])) AS i (id)
LEFT JOIN public.artworks_old AS a ON i.id = a.id
LEFT JOIN public.artworks AS c ON i.id = c.id;

-- name: show_users
-- What: a few users with the artworks of their e-mail in both tables, as psql shows them; :ids is an array of ids.
-- Why: the report gives this query to the person who decides, because the report itself contains no value of a row.
-- Locks: ACCESS SHARE on both tables and public.users.
SELECT
  i.id,
  JSONB_PRETTY(TO_JSONB(u)) AS person,
  ARRAY(SELECT a.id FROM public.artworks AS a WHERE a.customer_email = u.email ORDER BY a.created_at) AS legacy_artworks,
  ARRAY(SELECT c.id FROM public.artworks_v2 AS c WHERE c.customer_email = u.email ORDER BY c.created_at) AS clean_artworks
FROM UNNEST(CAST(:ids AS uuid[])) AS i (id)
LEFT JOIN public.users AS u ON i.id = u.id;

-- name: quarantined
-- What: the first :shown ids in quarantine in one run, with the reason.
-- Why: an operator decides for each whether to migrate it by hand or to leave it behind.
-- Locks: none.
SELECT
  f.id::text AS id,
  ARRAY_TO_STRING(f.about, ', ') AS reason
FROM artwork_migration.finding AS f
WHERE f.run = :run AND f.rule = 'quarantined'
ORDER BY 2, f.id
LIMIT :shown;

-- name: statistics
-- What: the statistics of one run.
-- Why: the report's plots and tables are made of them.
-- Locks: none.
SELECT
  f.name,
  f.label,
  f.detail,
  f.value
FROM artwork_migration.statistic AS f
WHERE f.run = :run
ORDER BY f.name, f.label, f.detail;

-- name: chunks
-- What: what the backfill copied in one run, and how long its chunks took.
-- Why: the rate predicts the time for the next, larger database.
-- Locks: none.
SELECT
  COUNT(*) AS chunks,
  COALESCE(SUM(c.copied), 0)::bigint AS copied,
  COALESCE(SUM(EXTRACT(EPOCH FROM c.done_at - c.begun_at)), 0)::float8 AS seconds,
  COALESCE(MAX(EXTRACT(EPOCH FROM c.done_at - c.begun_at)), 0)::float8 AS longest
FROM artwork_migration.chunk AS c
WHERE c.run = :run AND c.done_at IS NOT NULL;

-- name: note_seconds
-- What: saves the seconds of the steps of one run; `detail` is the place of the step.
-- Why: the report is made from the ledger alone, today and a month later.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'seconds',
  s.step,
  s.place,
  s.seconds
FROM JSONB_TO_RECORDSET(CAST(:steps AS jsonb)) AS s (step text, place text, seconds numeric)
ON CONFLICT (run, name, label, detail) DO UPDATE SET value = excluded.value;

-- name: verifications
-- What: the verifications from the switch before one run up to that run, the oldest first.
-- Why: the timeline of the safety window as it was when the report was written.
-- Locks: none.
SELECT
  v.run,
  v.day,
  v.red,
  v.verified_at
FROM artwork_migration.verification AS v
WHERE
  v.run <= :run
  AND v.run > (
    SELECT MAX(h.run)
    FROM artwork_migration.phase_history AS h
    WHERE h.run <= :run AND h.phase_after = 'SWITCHED' AND h.phase_before <> 'SWITCHED'
  )
ORDER BY v.run;

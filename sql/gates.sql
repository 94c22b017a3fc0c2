-- The gates: findings and results that rules leave, and the verdicts on them.

-- name: delete_findings
-- What: deletes the result and the findings of one rule in this run.
-- Why: a gate that is judged again in the same run reports the current state only.
-- Locks: none on a table of the application.
WITH deleted_result AS (
  DELETE FROM artwork_migration.rule_result AS r
  WHERE r.run = :run AND r.rule = :rule
)

DELETE FROM artwork_migration.finding AS f
WHERE f.run = :run AND f.rule = :rule;

-- name: save_findings
-- What: saves ids that a rule has found and that Python has in hand.
-- Why: all findings are in one table, whatever found them.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.finding (run, rule, id, about)
SELECT
  :run,
  :rule,
  x.id,
  CAST(:about AS text[])
FROM UNNEST(CAST(:ids AS uuid[])) AS x (id)
ON CONFLICT (run, rule, id) DO NOTHING;

-- name: save_result
-- What: saves the result of one rule: how much it checked, how much of that is bad, at most 20 ids, and what they are about.
-- Why: the gates assert on these rows. What is bad is in finding by now; objects of the catalog have no id and are parameters.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.rule_result (run, suite, rule, checked, bad, ids, about)
SELECT
  :run,
  :suite,
  :rule,
  :checked,
  (SELECT COUNT(*) FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = :rule) + CARDINALITY(CAST(:objects AS text[])),
  ARRAY(SELECT f.id FROM artwork_migration.finding AS f WHERE f.run = :run AND f.rule = :rule ORDER BY f.id LIMIT 20),
  CAST(:objects AS text[]) || ARRAY(
    SELECT DISTINCT x.about
    FROM artwork_migration.finding AS f
    CROSS JOIN LATERAL UNNEST(f.about) AS x (about)
    WHERE f.run = :run AND f.rule = :rule
    ORDER BY x.about
  );

-- name: rule_results
-- What: the rule results of one run and suite.
-- Why: a red gate reports how many are bad, which ids, and what they are about.
-- Locks: none.
SELECT
  r.rule,
  r.checked,
  r.bad,
  r.ids::text[] AS ids,
  r.about
FROM artwork_migration.rule_result AS r
WHERE r.run = :run AND r.suite = :suite;

-- name: save_verdict
-- What: saves the verdict on one rule of a gate, with the texts of the rule.
-- Why: status and report read the verdicts here; each rule has one row, also a rule that could not be judged.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.gate_result (
  run, suite, rule, severity, description, why, fix, red, broken, not_applicable, checked, bad, ids, about
)
VALUES (
  :run,
  :suite,
  :rule,
  :severity,
  :description,
  :why,
  :fix,
  :red,
  :broken,
  :not_applicable,
  :checked,
  :bad,
  CAST(:ids AS uuid[]),
  CAST(:about AS text[])
)
ON CONFLICT (run, suite, rule) DO UPDATE
  SET
    severity = excluded.severity,
    description = excluded.description,
    why = excluded.why,
    fix = excluded.fix,
    red = excluded.red,
    broken = excluded.broken,
    not_applicable = excluded.not_applicable,
    checked = excluded.checked,
    bad = excluded.bad,
    ids = excluded.ids,
    about = excluded.about,
    judged_at = CLOCK_TIMESTAMP();

-- name: verdicts
-- What: the verdict on each rule of the gates of one run, in the order in which they were judged.
-- Why: status and report are made of these rows.
-- Locks: none.
SELECT
  g.suite,
  g.rule,
  g.severity,
  g.description,
  g.why,
  g.fix,
  g.checked,
  g.bad,
  g.ids::text[] AS ids,
  g.about,
  g.broken,
  g.not_applicable
FROM artwork_migration.gate_result AS g
WHERE g.run = :run
ORDER BY g.judged_at, g.suite, g.rule;

-- name: last_judged_run
-- What: the newest run that has judged a gate of the whole migration, and its verb.
-- Why: the status reports whether the last gates were green. The gate of a move is about its customers only.
-- Locks: none.
SELECT
  h.run,
  h.verb
FROM artwork_migration.phase_history AS h
WHERE h.run = (SELECT MAX(g.run) FROM artwork_migration.gate_result AS g WHERE g.suite <> 'moved_customers');

-- name: tables
-- What: the names of the two tables: the one that serves and the other one, which is named by the phase.
-- Why: a rule that checked nothing has failed, unless the tables are empty and a decision accepts that.
-- Locks: none.
SELECT c.relname AS name
FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname IN ('artworks', 'artworks_v2', 'artworks_old')
ORDER BY c.relname;

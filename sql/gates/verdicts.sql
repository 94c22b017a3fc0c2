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
  g.broken
FROM artwork_migration.gate_result AS g
WHERE g.run = :run
ORDER BY g.judged_at, g.suite, g.rule

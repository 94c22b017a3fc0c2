-- What: each rule of the gates of one run as it was judged, the red ones first.
-- Why: the report's verdict is made of these rows and nothing else.
-- Locks: none.
SELECT
  g.suite,
  g.rule,
  g.description,
  g.severity,
  g.looked_at,
  g.bad,
  g.passed,
  g.ids::text[] AS ids,
  g.about
FROM artwork_migration.gate_result AS g
WHERE g.run = :run
ORDER BY g.passed, g.severity <> 'critical', g.judged_at, g.suite, g.rule

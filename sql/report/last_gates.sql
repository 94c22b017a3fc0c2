-- What: the gates of the newest run that had any, and its verb.
-- Why: the status says whether the last look was green.
-- Locks: none.
SELECT
  g.run,
  h.verb,
  g.suite,
  g.rule,
  g.severity,
  g.passed,
  g.looked_at,
  g.bad,
  g.judged_at
FROM artwork_migration.gate_result AS g
INNER JOIN artwork_migration.phase_history AS h ON g.run = h.run
WHERE g.run = (SELECT MAX(n.run) FROM artwork_migration.gate_result AS n)
ORDER BY g.suite, g.rule

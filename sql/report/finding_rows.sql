-- What: every finding of one run, with the rule's suite and severity; a rule that no gate judges is for information.
-- Why: the CSV beside the report.
-- Locks: none.
SELECT
  f.run,
  COALESCE(g.suite, '') AS suite,
  f.rule,
  COALESCE(g.severity, 'info') AS severity,
  f.id::text AS id,
  ARRAY_TO_STRING(f.about, ' ') AS about,
  COALESCE(g.description, '') AS description
FROM artwork_migration.finding AS f
LEFT JOIN artwork_migration.gate_result AS g ON f.run = g.run AND f.rule = g.rule
WHERE f.run = :run
ORDER BY f.rule, f.id

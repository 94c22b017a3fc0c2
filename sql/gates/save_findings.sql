-- What: saves ids that a rule has found and that Python has in hand.
-- Why: all findings are in one table, whatever found them. Great Expectations returns the first 200 ids of a rule, and no value.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.finding (run, rule, id, about)
SELECT
  :run,
  :rule,
  x.id,
  CAST(:about AS text[])
FROM UNNEST(CAST(:ids AS uuid[])) AS x (id)
ON CONFLICT (run, rule, id) DO NOTHING

-- What: writes down the ids that a rule about a column has found.
-- Why: the findings are all in one place, whoever found them. Great Expectations hands over the first 200 ids of a rule, no value.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.finding (run, rule, id, about)
SELECT
  :run,
  :rule,
  x.id,
  CAST(:about AS text[])
FROM UNNEST(CAST(:ids AS uuid[])) AS x (id)
ON CONFLICT (run, rule, id) DO NOTHING

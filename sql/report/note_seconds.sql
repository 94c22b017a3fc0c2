-- What: notes the seconds of the steps of one run; `detail` is the place of the step.
-- Why: the report is made from the ledger alone, now as in a month.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'seconds',
  s.step,
  s.place,
  s.seconds
FROM JSONB_TO_RECORDSET(CAST(:steps AS jsonb)) AS s (step text, place text, seconds numeric)
ON CONFLICT (run, name, label, detail) DO UPDATE SET value = excluded.value

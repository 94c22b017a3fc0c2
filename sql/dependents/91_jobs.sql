-- What: the query for the jobs of pg_cron or pgAgent whose command names artworks, where one of them is installed and may be read.
-- Why: a job's command follows the name like a function's text. A job is named by its number: a command may hold a password.
-- Locks: ACCESS SHARE on the extension's table.
SELECT
  FORMAT(
    'SELECT %L || j.%I AS object, %L AS action FROM %s AS j WHERE j.%I ~* ''\martworks\M'' ORDER BY j.%2$I',
    w.words,
    w.number_column,
    'follows the name: it works on the clean table from the switch on; check its command for columns that the clean table does not have',
    w.table_name,
    w.command_column
  ) AS question
FROM (
  VALUES
  ('cron.job', 'pg_cron job ', 'jobid', 'command'),
  ('pgagent.pga_jobstep', 'pgAgent step ', 'jstid', 'jstcode')
) AS w (table_name, words, number_column, command_column)
WHERE
  -- a name in a schema that may not be used is an error, not a NULL
  CASE
    WHEN HAS_SCHEMA_PRIVILEGE(TO_REGNAMESPACE(SPLIT_PART(w.table_name, '.', 1))::oid, 'USAGE')
      THEN HAS_TABLE_PRIVILEGE(TO_REGCLASS(w.table_name)::oid, 'SELECT')
  END

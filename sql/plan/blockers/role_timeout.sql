-- What: a limit of the role or the database that ends our sessions or transactions whatever we set in them.
-- Why: an idle session holds the run's lock, and the copy and the comparison are transactions of minutes. Other limits, like
--   statement_timeout, are overridden in each transaction.
-- Locks: none.
-- Remedy: Set it to 0 for the role that migrates. Sessions that are open keep the old value.
SELECT
  'setting ' || s.name AS subject,
  FORMAT('it is %s %s and would end %s.', s.reset_val, s.unit, k.what) AS problem,
  FORMAT('ALTER ROLE %I IN DATABASE %I SET %s = 0', SESSION_USER, CURRENT_DATABASE(), s.name) AS statement
FROM pg_catalog.pg_settings AS s
INNER JOIN (
  VALUES
  ('idle_session_timeout', 'the session that holds the run''s lock'),
  ('transaction_timeout', 'the transactions that copy and compare')
) AS k (name, what) ON s.name = k.name
WHERE s.reset_val <> '0'
ORDER BY s.name

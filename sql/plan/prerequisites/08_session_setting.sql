-- What: a setting of the role or the database makes our sessions unable to write, or makes their writes bypass keys and triggers.
-- Why: in a read-only transaction every write fails. With session_replication_role = replica neither foreign keys nor the application's
--   triggers run.
-- Locks: none.
-- Remedy: Give the role that migrates the usual value. Sessions that are open keep the old one.
SELECT
  'setting ' || s.name AS subject,
  FORMAT('it is %s for role %s, and %s.', s.setting, CURRENT_USER, k.effect) AS problem,
  -- a setting of the role in this database wins over those of the role or of the database alone
  FORMAT('ALTER ROLE %I IN DATABASE %I SET %s = %s', SESSION_USER, CURRENT_DATABASE(), s.name, k.wanted) AS statement
FROM pg_catalog.pg_settings AS s
INNER JOIN (
  VALUES
  ('default_transaction_read_only', 'off', 'nothing can be written'),
  ('session_replication_role', 'origin', 'our writes would bypass foreign keys and triggers')
) AS k (name, wanted, effect) ON s.name = k.name AND s.setting <> k.wanted
ORDER BY s.name

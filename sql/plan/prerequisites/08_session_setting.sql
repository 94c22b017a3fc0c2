-- What: a setting of the role or the database under which our sessions could not write, or would write past keys and triggers.
-- Why: in read-only transactions every write fails; as a replica neither foreign keys nor the application's triggers are asked.
-- Locks: none.
-- Remedy: ALTER ROLE … RESET it (or ALTER DATABASE … RESET it) for the role that migrates.
SELECT
  'setting ' || s.name AS subject,
  FORMAT('it is %s for role %s, and %s.', s.setting, CURRENT_USER, k.told) AS problem
FROM pg_catalog.pg_settings AS s
INNER JOIN (
  VALUES
  ('default_transaction_read_only', 'off', 'nothing could be written'),
  ('session_replication_role', 'origin', 'what we write would be checked by no foreign key and seen by no trigger')
) AS k (name, wanted, told) ON s.name = k.name AND s.setting <> k.wanted
ORDER BY s.name

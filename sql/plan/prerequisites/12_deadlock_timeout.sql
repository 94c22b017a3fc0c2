-- What: deadlock_timeout is too short for our lock timeouts, which are a part of it.
-- Why: in every conflict with the application we must give up before the deadlock detector cancels one of the two.
-- Locks: none.
-- Remedy: Set deadlock_timeout to 1s (the default) on the server.
SELECT
  'setting deadlock_timeout' AS subject,
  FORMAT('it is %s ms; at least 240 ms are required.', s.setting) AS problem
FROM pg_catalog.pg_settings AS s
WHERE s.name = 'deadlock_timeout' AND s.setting::int < 240

-- What: deadlock_timeout leaves no room for our own, shorter, lock timeouts.
-- Why: we must lose every conflict with the application before the deadlock detector shoots somebody.
-- Locks: none.
-- Remedy: Set deadlock_timeout to 1s (the default) on the server.
SELECT
  'setting deadlock_timeout' AS subject,
  FORMAT('it is %s ms and must be at least 240 ms.', s.setting) AS problem
FROM pg_catalog.pg_settings AS s
WHERE s.name = 'deadlock_timeout' AND s.setting::int < 240

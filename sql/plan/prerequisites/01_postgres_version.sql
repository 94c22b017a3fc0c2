-- What: the server is older than Postgres 15.
-- Why: our views use security_invoker and our functions BEGIN ATOMIC. 15 is the oldest tested release.
-- Locks: none.
-- Remedy: Upgrade the server to Postgres 15 or newer.
SELECT
  'Postgres ' || CURRENT_SETTING('server_version') AS subject,
  'it is older than 15.' AS problem
WHERE CURRENT_SETTING('server_version_num')::int < CAST(:oldest_version AS int)

-- What: the server is older than Postgres 15.
-- Why: views of ours need security_invoker's generation and BEGIN ATOMIC functions; 15 is the oldest that was tried.
-- Locks: none.
-- Remedy: Upgrade the server to Postgres 15 or newer.
SELECT
  'Postgres ' || CURRENT_SETTING('server_version') AS subject,
  'it is older than 15.' AS problem
WHERE CURRENT_SETTING('server_version_num')::int < CAST(:oldest_version AS int)

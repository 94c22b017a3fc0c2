-- What: the connected role does not see what other roles' sessions are doing.
-- Why: whoever is in the way could not be named, here and when a lock is not had.
-- Locks: none.
-- Remedy: GRANT pg_read_all_stats to this role (pg_monitor has it too).
SELECT
  'role ' || CURRENT_USER AS subject,
  'it has no pg_read_all_stats, so the transactions of other roles are not seen here.' AS problem,
  TRUE AS attention
WHERE NOT PG_HAS_ROLE('pg_read_all_stats', 'USAGE')

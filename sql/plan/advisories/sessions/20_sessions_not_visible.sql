-- What: the connected role cannot see what the sessions of other roles do.
-- Why: a blocking session could not be named, neither here nor when a lock cannot be acquired.
-- Locks: none.
-- Remedy: GRANT pg_read_all_stats to this role (pg_monitor includes it).
SELECT
  'role ' || CURRENT_USER AS subject,
  'it is not a member of pg_read_all_stats, so transactions of other roles are not listed here.' AS problem,
  TRUE AS attention
WHERE NOT PG_HAS_ROLE('pg_read_all_stats', 'USAGE')

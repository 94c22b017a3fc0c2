-- What: the sessions with an open transaction in this database, the oldest first.
-- Why: an index is made concurrently only when every older transaction has ended; the operator must know whose that is.
-- Locks: none.
SELECT
  FORMAT(
    'pid %s (%s, %s, open for %s s)',
    a.pid,
    COALESCE(NULLIF(a.application_name, ''), 'no application_name'),
    a.state,
    EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - a.xact_start)::int
  ) AS session
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = CURRENT_DATABASE() AND a.pid <> PG_BACKEND_PID() AND a.xact_start IS NOT NULL
ORDER BY a.xact_start
LIMIT 5

-- What: the sessions that hold a lock on one of these tables, for the message of a lock that was not had.
-- Why: an operator must know whom to wait for; no text of a statement, because statements carry values.
-- Locks: none.
SELECT
  l.pid,
  -- a vacuum that the server has started itself has no name
  COALESCE(NULLIF(a.application_name, ''), NULLIF(a.backend_type, 'client backend'), '') AS application,
  COALESCE(a.state, 'not visible') AS state,
  COALESCE(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - a.xact_start)::int, 0) AS seconds,
  MIN(l.relation::regclass::text) AS "table"
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid
WHERE
  l.locktype = 'relation' AND l.granted AND l.pid <> PG_BACKEND_PID()
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE())
  AND l.relation = ANY(
    SELECT TO_REGCLASS(t.name)::oid FROM UNNEST(CAST(:tables AS text[])) AS t (name) WHERE TO_REGCLASS(t.name) IS NOT NULL
  )
GROUP BY l.pid, a.application_name, a.backend_type, a.state, a.xact_start
ORDER BY a.xact_start NULLS LAST

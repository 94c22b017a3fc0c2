-- What a run of a verb asks of the server: is another one at work, and who holds the locks.
--
-- Our two advisory locks have the first key 1634890865 (the bytes "artq" as an integer), which no other program is expected to use. The
-- second key distinguishes them: 1 is the run's lock, held by an idle session, so that one run writes at a time. 2 is the fence, held by
-- transactions that write: shared by chunks, exclusive by catch-up and the switch.

-- name: try_lock
-- What: tries to acquire the lock that lets one run write at a time; it is held until its session ends.
-- Why: it tries and retries instead of waiting: CREATE INDEX CONCURRENTLY would have a session cancelled that waits in the lock manager.
-- Locks: the advisory lock (1634890865, 1).
SELECT PG_TRY_ADVISORY_LOCK(1634890865, 1);

-- name: fence_is_free
-- What: whether no backend of an earlier run still works behind the fence; the lock is released at the end of the transaction.
-- Why: kill -9 ends a client and its lock, but not the statement that its other connection is executing.
-- Locks: the advisory lock (1634890865, 2), for a moment.
SELECT PG_TRY_ADVISORY_XACT_LOCK(1634890865, 2);

-- name: holders
-- What: the names of the sessions that hold the run's lock or the fence.
-- Why: each of our connections has its run's name as application_name, so the message can name the run.
-- Locks: none.
SELECT DISTINCT COALESCE(NULLIF(a.application_name, ''), 'pid ' || l.pid) AS holder
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid
WHERE
  l.locktype = 'advisory' AND l.classid = 1634890865 AND l.objid IN (1, 2) AND l.granted AND l.pid <> PG_BACKEND_PID()
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE())
ORDER BY holder;

-- name: lock_holders
-- What: the sessions that hold a lock on one of these relations, for the message that a lock could not be acquired.
-- Why: an operator must know which session to wait for. No statement's text is shown, because it may contain values.
-- Locks: none.
SELECT
  l.pid,
  -- autovacuum has no application_name
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
ORDER BY a.xact_start NULLS LAST;

-- name: open_transactions
-- What: the sessions with an open transaction in this database, the oldest first.
-- Why: CREATE INDEX CONCURRENTLY ends only when every older transaction has ended; the operator must know whose they are.
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
LIMIT 5;

-- name: execute_locked
-- What: executes the statements in artwork_migration.statements (JSON, set for this transaction) in their order.
-- Why: it is one statement on the server: a client's round trips do not add to the time under lock, and statement_timeout bounds the whole.
--   lock_timeout counts for each lock alone, so each lock gets what is left of the budget.
-- Inverse: the statements' own.
-- Locks: theirs.
DO $$
DECLARE
  statement record;
  deadline timestamptz := CLOCK_TIMESTAMP() + CURRENT_SETTING('artwork_migration.lock_budget')::interval;
BEGIN
  FOR statement IN
    SELECT s.value ->> 'do' AS do
    FROM JSONB_ARRAY_ELEMENTS(CURRENT_SETTING('artwork_migration.statements')::jsonb) WITH ORDINALITY AS s (value, place)
    ORDER BY s.place
  LOOP
    PERFORM SET_CONFIG(
      'lock_timeout', GREATEST(1, CEIL(EXTRACT(EPOCH FROM deadline - CLOCK_TIMESTAMP()) * 1000))::int || 'ms', TRUE
    );
    EXECUTE statement.do;
  END LOOP;
END
$$;

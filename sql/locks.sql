-- What a run of a verb asks of the server: is another one at work, and who holds the locks.
--
-- Our two advisory locks have the first key 1634890865 (the bytes "artq" as an integer), which no other program is expected to use. The
-- second key distinguishes them: 1 is the run's lock, held by an idle session, so that one run writes at a time. 2 is the fence, held by
-- transactions that write: shared by chunks, exclusive by catch-up and the switch. A run that joins a copy holds only the fence. Each run
-- that writes holds 2 + its epoch too, in the session of its lock: so others know that this very run is alive.

-- name: try_lock
-- What: tries to acquire the lock that lets one run write at a time; it is held until its session ends.
-- Why: it tries and retries instead of waiting: CREATE INDEX CONCURRENTLY would have a session cancelled that waits in the lock manager.
-- Locks: the advisory lock (1634890865, 1).
SELECT PG_TRY_ADVISORY_LOCK(1634890865, 1);

-- name: hold_epoch
-- What: holds the lock of this epoch until the session ends.
-- Why: a pooler may give the session of a killed run to the next one, so its pid does not tell which run is alive.
-- Locks: the advisory lock (1634890865, 2 + epoch), which no other session asks for.
SELECT PG_ADVISORY_LOCK(1634890865, 2 + CAST(:run AS integer));

-- name: fence_is_free
-- What: whether no backend of an earlier run still works behind the fence; the lock is released at the end of the transaction.
-- Why: kill -9 ends a client and its lock, but not the statement that its other connection is executing.
-- Locks: the advisory lock (1634890865, 2), for a moment.
SELECT PG_TRY_ADVISORY_XACT_LOCK(1634890865, 2);

-- name: tables_not_of_snapshot
-- What: the tables locked by this transaction that have another file than in its snapshot.
-- Why: TRUNCATE empties a table for older snapshots too. What was read then agrees with no moment. A table that is locked keeps its file.
-- Locks: none.
SELECT c.oid::regclass::text AS object
FROM pg_catalog.pg_locks AS l
INNER JOIN pg_catalog.pg_class AS c ON l.relation = c.oid
WHERE
  l.pid = PG_BACKEND_PID() AND l.locktype = 'relation' AND c.relkind IN ('r', 'm') AND c.relfilenode <> 0
  -- the function knows the file of now
  AND c.relfilenode <> PG_RELATION_FILENODE(c.oid)
ORDER BY 1;

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

-- name: copy_at_work
-- What: the newest run and how many chunks of its copy are left, while that run is alive.
-- Why: other runs join its copy. Before each chunk they enter the fence and ask this. The next run acquires the lock first and then checks
--   whether the fence is free, so no chunk of theirs can end after it has begun.
-- Locks: none.
SELECT
  h.run,
  h.run_name,
  (SELECT COUNT(*) FROM artwork_migration.chunk AS c WHERE c.run = h.run AND c.done_at IS NULL) AS chunks_left
FROM artwork_migration.phase_history AS h
INNER JOIN pg_catalog.pg_locks AS l ON l.objid::bigint = 2 + h.run
WHERE
  h.ended_at IS NULL AND h.run = (SELECT MAX(n.run) FROM artwork_migration.phase_history AS n)
  AND l.locktype = 'advisory' AND l.classid = 1634890865 AND l.granted
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE());

-- name: lock_holders
-- What: the sessions and prepared transactions that hold a lock on one of these relations, for the message that a lock could not be
--   acquired. With row_locks, those that may hold locks of rows since so many seconds, on these relations or on one that they reference.
-- Why: an operator must know for whom to wait. No statement's text is shown, because it may contain values. A prepared transaction has no
--   session: its locks have no pid, and its own number under the same virtual number. While the log is drained right before the locks, the
--   session of this run that will take them waits in its transaction.
-- Locks: none.
WITH watched AS (
  SELECT TO_REGCLASS(t.name)::oid AS relation
  FROM UNNEST(CAST(:tables AS text[])) AS t (name)
)

SELECT
  l.pid,
  -- autovacuum has no application_name
  COALESCE(NULLIF(a.application_name, ''), NULLIF(a.backend_type, 'client backend'), '') AS application,
  COALESCE(p.owner, a.usename, '')::text AS role,
  CASE
    WHEN p.gid IS NOT NULL THEN 'prepared'
    WHEN a.pid IS NULL THEN 'ended'
    ELSE COALESCE(a.state, 'not visible')
  END AS state,
  EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - COALESCE(p.prepared, a.xact_start))::int AS seconds,
  MIN(l.relation::regclass::text) AS "table",
  COALESCE(p.gid, '') AS prepared
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid
LEFT JOIN (
  pg_catalog.pg_locks AS x
  INNER JOIN pg_catalog.pg_prepared_xacts AS p ON x.transactionid = p.transaction AND x.locktype = 'transactionid'
) ON l.pid IS NULL AND x.pid IS NULL AND l.virtualtransaction = x.virtualtransaction
WHERE
  l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM PG_BACKEND_PID()
  AND NOT COALESCE(a.application_name = CURRENT_SETTING('application_name') AND a.state = 'idle in transaction', FALSE)
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE())
  AND CASE
    WHEN CAST(:row_locks AS boolean)
      THEN
        l.mode <> 'AccessShareLock'
        AND COALESCE(COALESCE(p.prepared, a.xact_start) < CLOCK_TIMESTAMP() - MAKE_INTERVAL(secs => :seconds), TRUE)
        AND (
          l.relation IN (SELECT w.relation FROM watched AS w)
          OR l.relation IN (
            SELECT k.confrelid FROM pg_catalog.pg_constraint AS k
            WHERE k.contype = 'f' AND k.conrelid IN (SELECT w.relation FROM watched AS w)
          )
        )
    ELSE l.relation IN (SELECT w.relation FROM watched AS w)
  END
GROUP BY l.pid, a.pid, a.application_name, a.backend_type, a.usename, a.state, a.xact_start, p.gid, p.owner, p.prepared
ORDER BY COALESCE(p.prepared, a.xact_start) NULLS LAST, l.pid;

-- name: open_transactions
-- What: the sessions with an open transaction in this database and its prepared transactions, the oldest first.
-- Why: CREATE INDEX CONCURRENTLY ends only when every older transaction has ended; the operator must know whose they are.
-- Locks: none.
SELECT
  o.pid,
  o.application,
  o.role,
  o.state,
  EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - o.since)::int AS seconds,
  '' AS "table",
  o.prepared
FROM (
  SELECT
    a.pid,
    COALESCE(a.application_name, '') AS application,
    COALESCE(a.usename, '')::text AS role,
    COALESCE(a.state, 'not visible') AS state,
    a.xact_start AS since,
    '' AS prepared
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.datname = CURRENT_DATABASE() AND a.pid <> PG_BACKEND_PID() AND a.xact_start IS NOT NULL
  UNION ALL
  SELECT
    NULL AS pid,
    '' AS application,
    p.owner::text AS role,
    'prepared' AS state,
    p.prepared AS since,
    p.gid AS prepared
  FROM pg_catalog.pg_prepared_xacts AS p
  WHERE p.database = CURRENT_DATABASE()
) AS o
ORDER BY o.since
LIMIT 5;

-- name: execute_locked
-- What: executes the statements in artwork_migration.statements (JSON, set for this transaction) in their order.
-- Why: it is one statement on the server: a client's round trips do not add to the time under lock, and statement_timeout bounds the whole.
--   lock_timeout counts for each lock alone, so each lock gets what is left of the budget. After each statement a notice has the seconds
--   since the beginning: a notice arrives also if a later statement fails. The last one has how long a session has waited for us by now.
-- Inverse: the statements' own.
-- Locks: theirs.
DO $$
DECLARE
  statement record;
  begun timestamptz := CLOCK_TIMESTAMP();
  deadline timestamptz := begun + CURRENT_SETTING('artwork_migration.lock_budget')::interval;
  waited interval;
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
    RAISE NOTICE USING ERRCODE = 'AM007', MESSAGE = 'done ' || EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - begun);
  END LOOP;
  SELECT CLOCK_TIMESTAMP() - MIN(r.waitstart) INTO waited
  FROM (
    SELECT MIN(l.waitstart) AS waitstart
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE())
    GROUP BY l.relation
    HAVING BOOL_OR(l.pid = PG_BACKEND_PID() AND l.granted AND l.mode IN ('ShareRowExclusiveLock', 'AccessExclusiveLock'))
  ) AS r;
  IF waited IS NOT NULL THEN
    RAISE NOTICE USING ERRCODE = 'AM007', MESSAGE = 'waited ' || EXTRACT(EPOCH FROM waited);
  END IF;
  PERFORM SET_CONFIG('lock_timeout', CURRENT_SETTING('artwork_migration.lock_budget'), TRUE);
END
$$;

-- name: cancel_statements
-- What: cancels what the sessions called :session execute.
-- Why: after Ctrl-C nobody waits for it. It is rolled back.
-- Locks: none.
SELECT PG_CANCEL_BACKEND(a.pid)
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = CURRENT_DATABASE() AND a.application_name = :session AND a.state = 'active' AND a.pid <> PG_BACKEND_PID();

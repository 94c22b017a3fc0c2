-- What a run reads between two batches: is the server behind? Each block is a reading. It returns a row (subject, problem) for each thing
-- that the run has to wait for, and its `decision` where the role may not see enough. Every role may read all that is read here; where
-- Postgres hides details from a role, they are NULL. The parameters are the settings of the same names.

-- name: replica_lag
-- What: the physical standbys that are further behind than :max_replica_lag_mb or :max_replica_lag_seconds, those that are away but have a
--   slot included.
-- Why: a standby that is behind shows old rows and delays a failover, and WAL that a slot keeps fills the disk. A logical slot has
--   subscribers of its own pace.
-- Locks: none.
-- Remedy: Look at the standby's log and at its replay (`SELECT pg_wal_replay_resume()` there). If it will not return, drop its slot. If it
--   is delayed on purpose, decide waive_readings.
SELECT
  b.subject,
  CASE
    WHEN b.hidden THEN 'the role may not see how far it is behind (pg_read_all_stats, or pg_monitor, allows it).'
    ELSE
      FORMAT(
        'it %s %s MB%s behind; at most %s MB and %s s are allowed (ARTWORK_MAX_REPLICA_LAG_MB, ARTWORK_MAX_REPLICA_LAG_SECONDS).',
        CASE WHEN b.connected THEN 'is' ELSE 'is not connected, and its slot is' END,
        ROUND(b.bytes / 1048576),
        CASE WHEN b.seconds IS NOT NULL THEN ' and ' || ROUND(b.seconds) || ' s' ELSE '' END,
        CAST(:max_replica_lag_mb AS int),
        CAST(:max_replica_lag_seconds AS float)
      )
  END AS problem,
  CASE WHEN b.hidden THEN CAST(:waive AS text) END AS decision
FROM (
  SELECT
    'standby ' || COALESCE(NULLIF(r.application_name, ''), s.slot_name, 'pid ' || r.pid) AS subject,
    TRUE AS connected,
    r.state IS NULL AS hidden,
    PG_WAL_LSN_DIFF(PG_CURRENT_WAL_LSN(), COALESCE(r.replay_lsn, r.flush_lsn)) AS bytes,
    EXTRACT(EPOCH FROM r.replay_lag) AS seconds
  FROM pg_catalog.pg_stat_replication AS r
  LEFT JOIN pg_catalog.pg_replication_slots AS s ON r.pid = s.active_pid
  WHERE s.slot_type IS DISTINCT FROM 'logical' AND r.state IS DISTINCT FROM 'backup'
  UNION ALL
  SELECT
    'standby with slot ' || s.slot_name AS subject,
    FALSE AS connected,
    FALSE AS hidden,
    PG_WAL_LSN_DIFF(PG_CURRENT_WAL_LSN(), s.restart_lsn) AS bytes,
    NULL AS seconds
  FROM pg_catalog.pg_replication_slots AS s
  WHERE s.slot_type = 'physical' AND NOT s.active AND s.restart_lsn IS NOT NULL
) AS b
WHERE
  b.hidden
  OR b.bytes > 1048576.0 * CAST(:max_replica_lag_mb AS int)
  -- of a standby that has replayed everything, the seconds are those of some earlier time
  OR (b.bytes > 0 AND b.seconds > CAST(:max_replica_lag_seconds AS float))
ORDER BY b.subject;

-- name: synchronous_standby
-- What: whether fewer synchronous standbys are connected than synchronous_standby_names requires.
-- Why: every COMMIT of the application waits then; ours do not, so they would hide from the operator that the server has stopped.
-- Locks: none.
-- Remedy: Start the standby. If it will not return, remove it from synchronous_standby_names and call `SELECT pg_reload_conf()`.
SELECT
  'synchronous_standby_names' AS subject,
  CASE
    WHEN n.hidden THEN 'the role may not see whether they are connected (pg_read_all_stats, or pg_monitor, allows it).'
    ELSE FORMAT('%s of %s synchronous standbys are connected, so every COMMIT of the application waits.', n.present, n.required)
  END AS problem,
  CASE WHEN n.hidden THEN CAST(:waive AS text) END AS decision
FROM (
  SELECT
    -- a list without a number, like `FIRST 2 (a, b)` has one, requires one standby
    COALESCE(SUBSTRING(CURRENT_SETTING('synchronous_standby_names') FROM '(\d+)\s*[(]')::int, 1) AS required,
    COUNT(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum')) AS present,
    COUNT(*) FILTER (WHERE r.state IS NULL AND r.pid IS NOT NULL) > 0 AS hidden
  FROM pg_catalog.pg_stat_replication AS r
) AS n
WHERE
  CURRENT_SETTING('synchronous_standby_names') <> '' AND (n.hidden OR n.present < n.required)
  -- the value that sessions begin with
  AND (SELECT s.reset_val FROM pg_catalog.pg_settings AS s WHERE s.name = 'synchronous_commit') NOT IN ('off', 'local');

-- name: oldest_transaction
-- What: the transactions that are older than :max_transaction_seconds, prepared ones too, and keep VACUUM from removing rows.
-- Why: catch-up deletes what it takes from the log. If those rows stay, the log and the clean table grow with every write, and so does the
--   time of every batch. Of sessions that the role may not see, and of slots, only the number of transactions since is known; a million is
--   the limit.
-- Locks: none.
-- Remedy: Wait until it ends, or end it yourself; the migration never does.
SELECT
  o.subject,
  CASE
    WHEN o.since IS NULL THEN FORMAT('it has kept rows from VACUUM for %s transactions; at most 1,000,000 are allowed.', AGE(o.oldest))
    ELSE
      FORMAT(
        'its transaction is open for %s s and keeps rows from VACUUM; at most %s s are allowed (ARTWORK_MAX_TRANSACTION_SECONDS).',
        ROUND(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - o.since)), CAST(:max_transaction_seconds AS float)
      )
  END AS problem
FROM (
  SELECT
    FORMAT('pid %s%s', a.pid, ' (' || NULLIF(a.application_name, '') || ')') AS subject,
    a.xact_start AS since,
    COALESCE(a.backend_xmin, a.backend_xid) AS oldest
  FROM pg_catalog.pg_stat_activity AS a
  WHERE
    -- a standby with hot_standby_feedback has no database; autovacuum has no user, and other VACUUMs do not wait for it
    (a.datname = CURRENT_DATABASE() OR a.datid IS NULL) AND a.usesysid IS NOT NULL
    AND a.pid <> PG_BACKEND_PID()
  UNION ALL
  SELECT
    'prepared transaction ' || p.gid AS subject,
    p.prepared AS since,
    p.transaction AS oldest
  FROM pg_catalog.pg_prepared_xacts AS p
  WHERE p.database = CURRENT_DATABASE()
  UNION ALL
  SELECT
    'replication slot ' || s.slot_name AS subject,
    NULL AS since,
    s.xmin AS oldest
  FROM pg_catalog.pg_replication_slots AS s
  WHERE NOT s.active
) AS o
WHERE
  o.oldest IS NOT NULL
  AND COALESCE(o.since < CLOCK_TIMESTAMP() - MAKE_INTERVAL(secs => CAST(:max_transaction_seconds AS float)), AGE(o.oldest) > 1000000)
ORDER BY o.since, o.subject
LIMIT 5;

-- name: wal_archiving
-- What: whether more than :max_archive_backlog_mb of WAL are written and not archived.
-- Why: WAL that is not archived stays on the server's disk until it is full, and a backup has a gap as long as that. Segments are counted
--   by their names, in which the first eight digits are the timeline. Where nothing was archived yet and nothing can be, they are all
--   that were ever written; a server that can archive does so with its next segment.
-- Locks: none.
-- Remedy: Look at the server's log for archive_command or archive_library, and correct or set it.
WITH segment AS (
  SELECT s.setting::bigint AS bytes FROM pg_catalog.pg_settings AS s WHERE s.name = 'wal_segment_size'
),

named AS (
  SELECT
    'written' AS what,
    PG_WALFILE_NAME(PG_CURRENT_WAL_LSN()) AS name
  UNION ALL
  SELECT
    'archived' AS what,
    a.last_archived_wal AS name
  FROM pg_catalog.pg_stat_archiver AS a
  UNION ALL
  SELECT
    'failed' AS what,
    a.last_failed_wal AS name
  FROM pg_catalog.pg_stat_archiver AS a
  WHERE a.last_archived_time IS NULL OR a.last_failed_time > a.last_archived_time
),

-- the history of a timeline is archived too, and has a name of another form
numbered AS (
  SELECT
    n.what,
    ('x' || SUBSTRING(n.name FROM 9 FOR 8))::bit(32)::bigint * (4294967296 / g.bytes)
    + ('x' || SUBSTRING(n.name FROM 17 FOR 8))::bit(32)::bigint AS number
  FROM named AS n
  CROSS JOIN segment AS g
  WHERE n.name ~ '^[0-9A-F]{24}'
),

backlog AS (
  SELECT
    COALESCE(
      MAX(f.number) FILTER (WHERE f.what = 'failed'),
      MAX(f.number) FILTER (WHERE f.what = 'archived') + 1,
      CASE WHEN CURRENT_SETTING('archive_command') = '' AND CURRENT_SETTING('archive_library') = '' THEN 1 END
    ) AS oldest,
    MAX(f.number) FILTER (WHERE f.what = 'written') AS newest,
    COUNT(*) FILTER (WHERE f.what <> 'written') = 0 AS never,
    COUNT(*) FILTER (WHERE f.what = 'failed') > 0 AS fails
  FROM numbered AS f
)

SELECT
  'WAL archiving' AS subject,
  FORMAT(
    '%s; at most %s MB are allowed (ARTWORK_MAX_ARCHIVE_BACKLOG_MB).',
    CASE
      WHEN b.never THEN 'nothing was archived yet, and neither archive_command nor archive_library is set'
      ELSE FORMAT(
        '%s MB are not archived%s', (b.newest - b.oldest) * g.bytes / 1048576, CASE WHEN b.fails THEN ', and archiving fails' ELSE '' END
      )
    END,
    CAST(:max_archive_backlog_mb AS int)
  ) AS problem
FROM backlog AS b
CROSS JOIN segment AS g
WHERE CURRENT_SETTING('archive_mode') <> 'off' AND (b.newest - b.oldest) * g.bytes > 1048576 * CAST(:max_archive_backlog_mb AS bigint);

-- name: freezing
-- What: whether the database's oldest transaction number is older than :max_frozen_age, or autovacuum freezes one of our tables to prevent
--   wraparound.
-- Why: each batch takes transaction numbers, and the server stops when they run out. The copy and that VACUUM slow each other down, and it
--   does not yield to a lock.
-- Locks: none.
-- Remedy: Let VACUUM end, or run `VACUUM (FREEZE)` in this database. Prepared transactions, old sessions and slots keep it from its work.
SELECT
  'database ' || d.datname AS subject,
  FORMAT(
    'its oldest transaction number is %s transactions old; at most %s are allowed (ARTWORK_MAX_FROZEN_AGE).',
    GREATEST(AGE(d.datfrozenxid), MXID_AGE(d.datminmxid)), CAST(:max_frozen_age AS bigint)
  ) AS problem
FROM pg_catalog.pg_database AS d
WHERE d.datname = CURRENT_DATABASE() AND GREATEST(AGE(d.datfrozenxid), MXID_AGE(d.datminmxid)) > CAST(:max_frozen_age AS bigint)
UNION ALL
SELECT
  'table ' || c.oid::regclass::text AS subject,
  'autovacuum freezes it now, to prevent wraparound.' AS problem
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_locks AS l ON c.oid = l.relation AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'
INNER JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid AND a.usesysid IS NULL
WHERE
  c.oid IN (
    TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_v2'), TO_REGCLASS('public.artworks_old'), TO_REGCLASS('public.users')
  )
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE())
  AND AGE(c.relfrozenxid) > CURRENT_SETTING('autovacuum_freeze_max_age')::bigint;

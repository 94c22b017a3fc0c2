-- What: the standbys of this server, and how far behind they are.
-- Why: a standby replays the locks of the switch and everything that the copy writes; one that lags will lag more.
-- Locks: none.
-- Remedy: Wait until it has caught up, or find out what delays it.
SELECT
  'standby ' || COALESCE(NULLIF(r.application_name, ''), 'pid ' || r.pid) AS subject,
  FORMAT(
    '%s, %s, %s s behind.', COALESCE(r.state, 'state not visible'), COALESCE(r.sync_state, 'sync not visible'),
    COALESCE(ROUND(EXTRACT(EPOCH FROM r.replay_lag), 1), 0)
  ) AS problem,
  COALESCE(r.replay_lag > interval '10 seconds', FALSE) AS attention
FROM pg_catalog.pg_stat_replication AS r
-- the reader of a logical slot is listed with its slot
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
ORDER BY 1

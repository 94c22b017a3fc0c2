-- What: the names of the sessions that hold the run's lock or stand behind the fence.
-- Why: every connection of ours carries its run's name as application_name, so the refusal can say who it is.
-- Locks: none.
SELECT DISTINCT COALESCE(NULLIF(a.application_name, ''), 'pid ' || l.pid) AS holder
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid
WHERE
  l.locktype = 'advisory' AND l.classid = 1634890865 AND l.objid IN (1, 2) AND l.granted AND l.pid <> PG_BACKEND_PID()
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE())
ORDER BY holder

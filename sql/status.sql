-- What the status shows.

-- name: runs
-- What: the newest runs, the newest first, and whether a session holds the lock of the run's epoch.
-- Why: the status names the last ones and how they ended. A run that has not ended and holds no lock was killed.
-- Locks: none.
SELECT
  h.run,
  h.verb,
  h.run_name,
  h.begun_at,
  h.ended_at,
  h.outcome,
  h.phase_after,
  h.ended_at IS NULL AND EXISTS (
    SELECT FROM pg_catalog.pg_locks AS l
    INNER JOIN pg_catalog.pg_database AS d ON l.database = d.oid
    WHERE
      l.locktype = 'advisory' AND l.classid = 1634890865 AND l.objid::bigint = 2 + h.run AND l.granted
      AND d.datname = CURRENT_DATABASE()
  ) AS at_work
FROM artwork_migration.phase_history AS h
ORDER BY h.run DESC
LIMIT 5;

-- name: plans
-- What: the newest plan of each verb, with what it was made from and the rules that block it.
-- Why: the status names the plans that wait for an approval, and those that are blocked.
-- Locks: none.
SELECT
  p.verb,
  p.number,
  p.made_at,
  p.content ->> 'phase' AS phase,
  p.content -> 'decisions' AS decisions,
  p.content -> 'blockers' AS blockers
FROM artwork_migration.plan AS p
INNER JOIN (
  SELECT DISTINCT ON (n.verb) n.number
  FROM artwork_migration.plan AS n
  ORDER BY n.verb, n.made_at DESC
) AS newest ON p.number = newest.number
ORDER BY p.verb;

-- name: phases
-- What: when each phase was reached last.
-- Why: the status shows the way so far.
-- Locks: none.
SELECT
  h.phase_after AS phase,
  MAX(h.ended_at) AS reached_at
FROM artwork_migration.phase_history AS h
WHERE h.phase_after IS NOT NULL AND h.phase_after <> h.phase_before
GROUP BY h.phase_after;

-- name: backlog
-- What: the ids and changed users that wait for catch-up and since when, the progress of the chunks, and the rejected writes.
-- Why: the status shows the progress of a running copy from real counts. It reads the logs and not pending_artwork, which reads tables of
--   the application and is gone before the logs are.
-- Locks: none on a table of the application.
SELECT
  (SELECT COALESCE(SUM(CARDINALITY(l.ids)), 0) FROM artwork_migration.legacy_change AS l)
  + (SELECT COUNT(*) FROM artwork_migration.indirect_change) AS logged,
  LEAST(
    (SELECT MIN(l.changed_at) FROM artwork_migration.legacy_change AS l),
    (SELECT MIN(i.changed_at) FROM artwork_migration.indirect_change AS i)
  ) AS logged_since,
  (SELECT COUNT(*) FROM artwork_migration.chunk) AS chunks,
  (SELECT COUNT(*) FROM artwork_migration.chunk AS c WHERE c.done_at IS NOT NULL) AS chunks_done,
  (SELECT COALESCE(SUM(c.copied), 0) FROM artwork_migration.chunk AS c) AS copied,
  (SELECT COUNT(*) FROM artwork_migration.rejected_write) AS refused;

-- name: backlog_of_window
-- What: how many artworks were changed since the switch and are not carried back yet, since when, and the rejected writes.
-- Why: the status says how much a roll back would have to carry back.
-- Locks: none on a table of the application.
SELECT
  (
    SELECT COUNT(DISTINCT x.id) FROM artwork_migration.clean_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
    WHERE NOT l.carried_back
  ) AS logged,
  (SELECT MIN(l.changed_at) FROM artwork_migration.clean_change AS l WHERE NOT l.carried_back) AS logged_since,
  (SELECT COUNT(*) FROM artwork_migration.rejected_write) AS refused;

-- name: legacy_names_use
-- What: which roles and applications have used legacy_names since the switch, for what, when last, and in how many minutes of a session.
-- Why: the status shows whose code is still the old one.
-- Locks: none on a table of the application.
SELECT
  u.role_name,
  u.application_name,
  STRING_AGG(DISTINCT LOWER(u.kind), ', ' ORDER BY LOWER(u.kind)) AS kinds,
  MAX(u.used_at) AS used_at,
  COUNT(*) AS minutes
FROM artwork_migration.legacy_names_use AS u
GROUP BY u.role_name, u.application_name
ORDER BY used_at DESC
LIMIT 10;

-- name: customers
-- What: the share of customers whom the clean table serves before the switch, and how many single ones more and fewer.
-- Why: the status says how far a gradual rollout is.
-- Locks: none on a table of the application.
SELECT
  s.percent,
  s.also_clean,
  s.still_legacy
FROM artwork_migration.customers_served AS s
WHERE s.percent > 0 OR s.also_clean > 0;

-- name: wait
-- What: what the newest run waits for, and since when.
-- Why: it is the same in every process; a run that has ended, was overtaken or was killed (its lock is free) does not wait.
-- Locks: none.
SELECT
  w.reason,
  w.begun_at AS since
FROM artwork_migration.wait AS w
INNER JOIN artwork_migration.phase_history AS h ON w.run = h.run
WHERE
  w.ended_at IS NULL AND w.run_name = h.run_name AND h.outcome IS NULL
  AND h.run = (SELECT MAX(n.run) FROM artwork_migration.phase_history AS n)
  AND EXISTS (
    SELECT FROM pg_catalog.pg_locks AS k
    WHERE
      k.locktype = 'advisory' AND k.classid = 1634890865 AND k.objid = 1 AND k.granted
      AND k.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = CURRENT_DATABASE())
  )
ORDER BY w.number DESC
LIMIT 1;

-- What: sessions whose transaction has been open for a minute or longer, the oldest first. They hold their locks, and CREATE INDEX
--   CONCURRENTLY waits for them.
-- Why: the operator sees in advance for which sessions a run would wait. No statement's text is shown, because it may contain values.
-- Locks: none.
-- Remedy: Wait until it ends, or end it yourself; the migration never does.
SELECT
  'pid ' || a.pid AS subject,
  FORMAT(
    '%s, %s, transaction open for %s s%s.',
    COALESCE(NULLIF(a.application_name, ''), NULLIF(a.backend_type, 'client backend'), 'no application_name'),
    COALESCE(a.state, 'active'),
    TO_CHAR(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - a.xact_start), 'FM999,999,990'),
    (
      SELECT ' and locks ' || STRING_AGG(DISTINCT l.relation::regclass::text, ', ')
      FROM pg_catalog.pg_locks AS l
      WHERE
        l.pid = a.pid AND l.locktype = 'relation' AND l.granted
        AND l.relation IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.users'))
    )
  ) AS problem,
  TRUE AS attention
FROM pg_catalog.pg_stat_activity AS a
WHERE
  a.datname = CURRENT_DATABASE() AND a.pid <> PG_BACKEND_PID()
  AND a.xact_start < CLOCK_TIMESTAMP() - CAST(:long_transaction AS interval)
ORDER BY a.xact_start
LIMIT 20

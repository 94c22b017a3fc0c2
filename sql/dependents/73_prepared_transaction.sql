-- What: a prepared transaction that holds a lock on the table.
-- Why: it belongs to no session, and no time limit ends it. No lock that it conflicts with could ever be acquired.
-- Locks: none.
-- Remedy: COMMIT PREPARED or ROLLBACK PREPARED, whichever its coordinator says; pg_prepared_xacts has its name.
SELECT DISTINCT
  'prepared transaction ' || p.transaction AS object,
  FORMAT('since %s it holds a lock on artworks.', TO_CHAR(p.prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) AS problem
FROM pg_catalog.pg_locks AS l
-- it holds its own number under the same virtual number
INNER JOIN pg_catalog.pg_locks AS t ON l.virtualtransaction = t.virtualtransaction AND t.locktype = 'transactionid' AND t.pid IS NULL
INNER JOIN pg_catalog.pg_prepared_xacts AS p ON t.transactionid = p.transaction
WHERE
  l.pid IS NULL AND l.locktype = 'relation' AND l.relation = TO_REGCLASS('public.artworks') AND p.database = CURRENT_DATABASE()
  AND l.database = (SELECT b.oid FROM pg_catalog.pg_database AS b WHERE b.datname = p.database)
ORDER BY 1

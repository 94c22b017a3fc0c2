-- What: a prepared transaction that holds a lock on the table.
-- Why: it belongs to no session and ends by nobody's time limit, so no lock that it stands against is ever had.
-- Locks: none.
-- Remedy: COMMIT PREPARED or ROLLBACK PREPARED, whichever its coordinator says.
SELECT DISTINCT
  'prepared transaction ' || QUOTE_LITERAL(p.gid) AS subject,
  FORMAT('since %s it holds a lock on artworks.', TO_CHAR(p.prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) AS problem
FROM pg_catalog.pg_locks AS l
INNER JOIN pg_catalog.pg_prepared_xacts AS p ON SPLIT_PART(l.virtualtransaction, '/', 2) = p.transaction::text
WHERE
  l.pid IS NULL AND l.locktype = 'relation' AND l.relation = 'public.artworks'::regclass
  AND l.database = (SELECT b.oid FROM pg_catalog.pg_database AS b WHERE b.datname = CURRENT_DATABASE())
ORDER BY 1

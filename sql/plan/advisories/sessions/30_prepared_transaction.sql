-- What: transactions that were prepared for a two-phase commit a minute ago or earlier.
-- Why: no session holds them, so their locks survive a restart, and CREATE INDEX CONCURRENTLY waits for them without an end.
-- Locks: none.
-- Remedy: Let its transaction manager complete it, or run COMMIT PREPARED or ROLLBACK PREPARED (its name is in pg_prepared_xacts).
SELECT
  'prepared transaction ' || p.transaction AS subject,
  FORMAT(
    'prepared by role %s %s s ago.', p.owner, TO_CHAR(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - p.prepared), 'FM999,999,990')
  ) AS problem,
  TRUE AS attention
FROM pg_catalog.pg_prepared_xacts AS p
WHERE p.database = CURRENT_DATABASE() AND p.prepared < CLOCK_TIMESTAMP() - CAST(:long_transaction AS interval)
ORDER BY p.prepared

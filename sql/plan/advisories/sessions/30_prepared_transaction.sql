-- What: transactions that were prepared for a two-phase commit and wait for it for a minute or longer.
-- Why: no session holds them, so their locks stay over a restart, and an index made beside them waits for them for ever.
-- Locks: none.
-- Remedy: Let its transaction manager finish it, or COMMIT PREPARED or ROLLBACK PREPARED it yourself (pg_prepared_xacts has its name).
SELECT
  'prepared transaction ' || p.transaction AS subject,
  FORMAT(
    'of role %s, it waits for %s s.', p.owner, TO_CHAR(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP() - p.prepared), 'FM999,999,990')
  ) AS problem,
  TRUE AS attention
FROM pg_catalog.pg_prepared_xacts AS p
WHERE p.database = CURRENT_DATABASE() AND p.prepared < CLOCK_TIMESTAMP() - CAST(:long_transaction AS interval)
ORDER BY p.prepared

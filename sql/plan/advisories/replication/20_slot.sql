-- What: the replication slots, who reads them and how much WAL they hold back.
-- Why: what the migration writes is held back for a slot that nobody reads until the disk is full, or, where max_slot_wal_keep_size says
--   so, the slot is lost.
-- Locks: none.
-- Remedy: Let its reader catch up, or drop the slot if nobody needs it.
SELECT
  FORMAT('%s slot %s', s.slot_type, s.slot_name) AS subject,
  FORMAT(
    '%s, %s of WAL held back%s.',
    CASE WHEN s.active THEN 'being read' ELSE 'nobody reads it' END,
    COALESCE(PG_SIZE_PRETTY(PG_WAL_LSN_DIFF(PG_CURRENT_WAL_LSN(), s.restart_lsn)), 'none'),
    CASE
      WHEN k.bytes BETWEEN 0 AND CAST(:wal AS bigint)
        THEN FORMAT('; it is lost beyond %s (max_slot_wal_keep_size), and the migration writes more', PG_SIZE_PRETTY(k.bytes))
      ELSE ''
    END
  ) AS problem,
  NOT s.active OR k.bytes BETWEEN 0 AND CAST(:wal AS bigint) AS attention
FROM pg_catalog.pg_replication_slots AS s
CROSS JOIN (
  SELECT p.setting::bigint * 1024 * 1024 AS bytes
  FROM pg_catalog.pg_settings AS p
  WHERE p.name = 'max_slot_wal_keep_size'
) AS k
ORDER BY s.slot_name

-- What: the replication slots, whether they are read, and how much WAL each retains.
-- Why: the server retains the migration's WAL for a slot that is not read until the disk is full; or the slot is lost, if
--   max_slot_wal_keep_size limits it.
-- Locks: none.
-- Remedy: Let its reader catch up, or drop the slot if it is not needed.
SELECT
  FORMAT('%s slot %s', s.slot_type, s.slot_name) AS subject,
  FORMAT(
    '%s, %s of WAL retained%s.',
    CASE WHEN s.active THEN 'active' ELSE 'inactive' END,
    COALESCE(PG_SIZE_PRETTY(PG_WAL_LSN_DIFF(PG_CURRENT_WAL_LSN(), s.restart_lsn)), 'none'),
    CASE
      WHEN k.bytes BETWEEN 0 AND CAST(:wal AS bigint)
        THEN FORMAT('; beyond %s (max_slot_wal_keep_size) the slot is lost, and the migration writes more', PG_SIZE_PRETTY(k.bytes))
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

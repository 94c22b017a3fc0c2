-- What: the settings that bound how much the migration may write, as an operator reads them.
-- Why: of the room that there is, this is what a client can see.
-- Locks: none.
SELECT
  s.name,
  CASE WHEN s.setting = '-1' THEN 'no limit' ELSE CURRENT_SETTING(s.name) END AS value
FROM pg_catalog.pg_settings AS s
WHERE s.name IN ('wal_level', 'max_wal_size', 'max_slot_wal_keep_size', 'temp_file_limit')
ORDER BY s.name

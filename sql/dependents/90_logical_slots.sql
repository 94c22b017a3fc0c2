-- What: logical replication slots in this database.
-- Why: the reader of a slot follows the table by its name, and finds other columns there after the switch; one that stops fills the disk.
-- Locks: none.
SELECT
  QUOTE_IDENT(s.slot_name) AS object,
  'stays; what it follows as artworks has the clean table''s columns after the switch: prepare its readers' AS action
FROM pg_catalog.pg_replication_slots AS s
WHERE s.slot_type = 'logical' AND s.database = CURRENT_DATABASE()
ORDER BY 1

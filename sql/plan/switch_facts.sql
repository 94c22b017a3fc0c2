-- What: what the switch would start from: rows of both sides, artworks in flight, ids in the log, logical slots that follow this database.
-- Why: the reader of the plan sees how much is still to be caught up, and who follows the table by its name.
-- Locks: ACCESS SHARE on both tables.
SELECT
  (SELECT COUNT(*) FROM public.artworks) AS legacy_rows,
  (SELECT COUNT(*) FROM public.artworks_v2) AS clean_rows,
  (
    SELECT COUNT(*) FROM artwork_migration.legacy_artwork AS l
    WHERE l.generation_status IN ('pending', 'processing') AND l.disposition = 'in_flight'
  ) AS in_flight,
  (SELECT COALESCE(SUM(CARDINALITY(l.ids)), 0) FROM artwork_migration.legacy_change AS l) AS ids_in_the_log,
  (
    SELECT COUNT(*) FROM pg_catalog.pg_replication_slots AS s
    WHERE s.slot_type = 'logical' AND s.database = CURRENT_DATABASE()
  ) AS logical_slots

-- What: the publications that contain the legacy table.
-- Why: their subscribers follow a table by its name. The switch moves the publication to the clean table, and its subscribers must accept
--   that table's columns.
-- Locks: none.
-- Remedy: Nothing needs to be done before the switch.
SELECT
  'publication ' || p.pubname AS subject,
  'it contains artworks; from the switch on it contains the clean table.' AS problem,
  FALSE AS attention
FROM pg_catalog.pg_publication_tables AS p
WHERE p.schemaname = 'public' AND p.tablename = 'artworks'
ORDER BY p.pubname

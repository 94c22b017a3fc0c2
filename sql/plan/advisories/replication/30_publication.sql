-- What: the publications that hold the legacy table.
-- Why: their subscribers follow a table by its name; the switch moves the publication, and they must take the clean table's columns then.
-- Locks: none.
-- Remedy: None is needed before the switch.
SELECT
  'publication ' || p.pubname AS subject,
  'it holds artworks; from the switch on it holds the clean table.' AS problem,
  FALSE AS attention
FROM pg_catalog.pg_publication_tables AS p
WHERE p.schemaname = 'public' AND p.tablename = 'artworks'
ORDER BY p.pubname

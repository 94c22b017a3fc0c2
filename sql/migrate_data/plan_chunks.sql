-- What: cuts the legacy table into chunks of :blocks blocks; the last one is open to the end.
-- Why: a block range is read by a TID range scan whatever the ids look like. The file node says which table it was planned for: after a
--   rewrite (VACUUM FULL, CLUSTER) the blocks mean something else.
-- Inverse: DELETE FROM artwork_migration.chunk
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.chunk (number, first_block, end_block, file_node, run)
SELECT
  ROW_NUMBER() OVER (ORDER BY s.first_block),
  s.first_block,
  LEAD(s.first_block) OVER (ORDER BY s.first_block),
  PG_RELATION_FILENODE('public.artworks'::regclass),
  :run
FROM GENERATE_SERIES(
  0::bigint, GREATEST(0, PG_RELATION_SIZE('public.artworks'::regclass) / CURRENT_SETTING('block_size')::bigint - 1), CAST(:blocks AS bigint)
) AS s (first_block)

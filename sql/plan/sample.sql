-- What: how large a share of the legacy table's blocks makes a sample of :blocks blocks, in percent, 100 where it has no more than those;
--   and about how many rows it has.
-- Why: what is only told to the reader is counted in a sample of one size, so a plan takes the same time for a table of any size.
-- Locks: none.
SELECT
  LEAST(
    100,
    CEIL(100000.0 * :blocks / GREATEST(1, PG_RELATION_SIZE('public.artworks') / CURRENT_SETTING('block_size')::int)) / 1000
  )::float8 AS percent,
  (SELECT GREATEST(0, c.reltuples)::bigint FROM pg_catalog.pg_class AS c WHERE c.oid = 'public.artworks'::regclass) AS rows_by_statistics

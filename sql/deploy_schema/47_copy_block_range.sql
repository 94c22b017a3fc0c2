-- What: the function that copies the eligible rows of one block range to the clean table and returns their number.
-- Why: the first copy. Rows in quarantine are not copied. DO NOTHING skips a row whose id is in the clean table already (a chunk copied
--   twice), and a row whose token another clean row holds: migrate_data/log_missing leaves it to catch-up. The statement does not read the
--   table that it fills: the planner knows its size before the first row only, and would scan it once for every row.
--   The comments "mapped" are explained in sql/__init__.py; `id` ends each list of columns.
-- Locks: when called, ROW EXCLUSIVE on public.artworks_v2, ACCESS SHARE on public.artworks.
-- Stage: prepare
CREATE FUNCTION artwork_migration.copy_block_range(first_tid tid, end_tid tid) RETURNS bigint
-- a plan made without knowing the range would expect a handful of rows
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
-- a carried column may be called like a variable: every column here is named with its table
#variable_conflict use_variable
DECLARE
  copied bigint;
BEGIN
  INSERT INTO public.artworks_v2 (
    /* mapped: @, */
    id
  )
  SELECT
    /* mapped: l.@, */
    l.id
  FROM artwork_migration.legacy_artwork AS l
  WHERE
    l.row_ctid >= first_tid AND l.row_ctid < end_tid
    AND l.migratable
    AND NOT EXISTS (SELECT FROM artwork_migration.quarantine AS q WHERE q.id = l.id)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS copied = ROW_COUNT;
  RETURN copied;
END
$$;

-- Undo:
DROP FUNCTION artwork_migration.copy_block_range(tid, tid);

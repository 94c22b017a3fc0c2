-- What: the function that copies the eligible rows of one block range to the clean table and returns their number.
-- Why: the first copy. It leaves out what is in quarantine, and what the clean side has modified, because that is in the clean table.
--   If the clean table has another of the rows (a chunk copied twice), or a clean row holds a token, the range is copied again with ON
--   CONFLICT DO NOTHING, which costs twice as much: migrate_data/log_missing leaves such a row to catch-up. The statement does not read
--   the table that it fills: the planner knows its size before the first row only, and would scan it once for every row.
--   It is planned when executed: a plan made without knowing the range would expect a handful of rows.
--   The comments "mapped" are explained in sql/__init__.py; `id` ends each list of columns.
-- Locks: when called, ROW EXCLUSIVE on public.artworks_v2, ACCESS SHARE on public.artworks.
-- Stage: prepare
CREATE FUNCTION artwork_migration.copy_block_range(first_tid tid, end_tid tid) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  copy CONSTANT text := $copy$
    INSERT INTO public.artworks_v2 (
      /* mapped: @, */
      id
    )
    SELECT
      /* mapped: l.@, */
      l.id
    FROM artwork_migration.legacy_artwork AS l
    WHERE
      l.row_ctid >= $1 AND l.row_ctid < $2
      -- row_counter counts the rows (progress.sql): with the user's id beside it, once they are joined with users
      AND CASE WHEN COALESCE(l.email_user_id, l.id) IS NOT NULL AND NEXTVAL('artwork_migration.row_counter') > 0 THEN l.migratable END
      AND NOT l.touched
      AND NOT EXISTS (SELECT FROM artwork_migration.quarantine AS q WHERE q.id = l.id)
  $copy$;
  copied bigint;
BEGIN
  BEGIN
    EXECUTE copy USING first_tid, end_tid;
  EXCEPTION WHEN unique_violation THEN
    EXECUTE copy || 'ON CONFLICT DO NOTHING' USING first_tid, end_tid;
  END;
  GET DIAGNOSTICS copied = ROW_COUNT;
  RETURN copied;
END
$$;

-- Undo:
DROP FUNCTION artwork_migration.copy_block_range(tid, tid);

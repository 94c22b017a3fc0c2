-- What: the write-through: row triggers on the clean table, and a trigger that refuses TRUNCATE.
-- Why: until the switch, and again after the rollback from it, orders, policies and print jobs must see at once what is written to the
--   clean table.
-- Locks: SHARE ROW EXCLUSIVE on public.artworks_v2, which nobody uses yet, and ACCESS EXCLUSIVE on the mapping.
-- Stage: locked
CREATE TRIGGER artwork_migration_insert AFTER INSERT ON public.artworks_v2
FOR EACH ROW WHEN (CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.write_through();
ALTER TABLE public.artworks_v2 ENABLE ALWAYS TRIGGER artwork_migration_insert;

CREATE TRIGGER artwork_migration_update AFTER UPDATE ON public.artworks_v2
FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.* AND CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.write_through();
ALTER TABLE public.artworks_v2 ENABLE ALWAYS TRIGGER artwork_migration_update;

CREATE TRIGGER artwork_migration_delete AFTER DELETE ON public.artworks_v2
FOR EACH ROW WHEN (CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.delete_through();
ALTER TABLE public.artworks_v2 ENABLE ALWAYS TRIGGER artwork_migration_delete;

CREATE TRIGGER artwork_migration_truncate BEFORE TRUNCATE ON public.artworks_v2
FOR EACH STATEMENT EXECUTE FUNCTION artwork_migration.refuse_truncate();
ALTER TABLE public.artworks_v2 ENABLE ALWAYS TRIGGER artwork_migration_truncate;

-- Written anew, the mapping is empty for every transaction whose snapshot is older, because TRUNCATE is not MVCC-safe
-- (https://www.postgresql.org/docs/current/mvcc-caveats.html). Such a transaction does not see each legacy row, and the write-through ends
-- its writes with 40001.
DO $$
DECLARE
  mapping CONSTANT artwork_migration.column_mapping[] := ARRAY(SELECT m FROM artwork_migration.column_mapping AS m);
BEGIN
  TRUNCATE artwork_migration.column_mapping;
  INSERT INTO artwork_migration.column_mapping SELECT m.* FROM UNNEST(mapping) AS m;
END
$$;

-- Undo:
-- Why: the clean table is dropped next, or is about to serve; every write to it is in the legacy table.
-- Locks: ACCESS EXCLUSIVE on public.artworks_v2.
DROP TRIGGER IF EXISTS artwork_migration_truncate ON public.artworks_v2;
DROP TRIGGER IF EXISTS artwork_migration_delete ON public.artworks_v2;
DROP TRIGGER IF EXISTS artwork_migration_update ON public.artworks_v2;
DROP TRIGGER IF EXISTS artwork_migration_insert ON public.artworks_v2;

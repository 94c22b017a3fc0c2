-- What: the write-through ends.
-- Why: the clean table goes with the next statements; every write to it is in the legacy table.
-- Inverse: 75_write_through_triggers.sql
-- Locks: ACCESS EXCLUSIVE on public.artworks_v2.
DROP TRIGGER IF EXISTS artwork_migration_truncate ON public.artworks_v2;
DROP TRIGGER IF EXISTS artwork_migration_delete ON public.artworks_v2;
DROP TRIGGER IF EXISTS artwork_migration_update ON public.artworks_v2;
DROP TRIGGER IF EXISTS artwork_migration_insert ON public.artworks_v2;

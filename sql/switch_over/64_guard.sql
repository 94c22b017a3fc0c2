-- What: the guard of the retired table: it refuses INSERT, UPDATE and DELETE with a message (the forward capture refuses TRUNCATE already).
-- Why: a write to the retired table would be lost to everybody who reads artworks. What a foreign key does when a user is deleted passes,
--   and so does our own carry-back.
-- Locks: SHARE ROW EXCLUSIVE on public.artworks_old, taken before.
-- Stage: locked
CREATE TRIGGER artwork_migration_guard_insert BEFORE INSERT ON public.artworks_old
FOR EACH STATEMENT WHEN (CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.guard_retired();
ALTER TABLE public.artworks_old ENABLE ALWAYS TRIGGER artwork_migration_guard_insert;

CREATE TRIGGER artwork_migration_guard BEFORE UPDATE OR DELETE ON public.artworks_old
FOR EACH ROW WHEN (CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.guard_retired();
ALTER TABLE public.artworks_old ENABLE ALWAYS TRIGGER artwork_migration_guard;

-- Undo:
-- Why: the table is about to serve again.
-- Locks: ACCESS EXCLUSIVE on public.artworks_old, taken before.
DROP TRIGGER IF EXISTS artwork_migration_guard ON public.artworks_old;
DROP TRIGGER IF EXISTS artwork_migration_guard_insert ON public.artworks_old;

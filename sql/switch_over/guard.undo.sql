-- What: the guard of the retired table goes.
-- Why: it is about to serve again.
-- Inverse: 61_guard.sql
-- Locks: ACCESS EXCLUSIVE on public.artworks_old, taken before.
-- Stage: locked
DROP TRIGGER IF EXISTS artwork_migration_guard ON public.artworks_old;
DROP TRIGGER IF EXISTS artwork_migration_guard_insert ON public.artworks_old;

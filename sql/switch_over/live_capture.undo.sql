-- What: the capture on the serving table ends.
-- Why: what it has logged was carried back under this very lock.
-- Inverse: 60_live_capture.sql
-- Locks: ACCESS EXCLUSIVE on public.artworks, taken before.
-- Stage: locked
DROP TRIGGER IF EXISTS artwork_migration_truncate ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_key ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_delete ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_update ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_insert ON public.artworks;

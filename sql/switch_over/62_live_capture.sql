-- What: the capture of what changes on the serving table from now on, and its refusal of TRUNCATE.
-- Why: the rollback carries these ids into the retired table. ENABLE ALWAYS, as the forward capture.
-- Locks: SHARE ROW EXCLUSIVE on public.artworks, taken before.
-- Stage: locked
CREATE TRIGGER artwork_migration_insert AFTER INSERT ON public.artworks REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT WHEN (CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.capture_clean();
ALTER TABLE public.artworks ENABLE ALWAYS TRIGGER artwork_migration_insert;

CREATE TRIGGER artwork_migration_update AFTER UPDATE ON public.artworks REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT WHEN (CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.capture_clean();
ALTER TABLE public.artworks ENABLE ALWAYS TRIGGER artwork_migration_update;

CREATE TRIGGER artwork_migration_delete AFTER DELETE ON public.artworks REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT WHEN (CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.capture_clean();
ALTER TABLE public.artworks ENABLE ALWAYS TRIGGER artwork_migration_delete;

CREATE TRIGGER artwork_migration_key AFTER UPDATE OF id ON public.artworks
FOR EACH ROW WHEN (old.id IS DISTINCT FROM new.id AND CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on')
EXECUTE FUNCTION artwork_migration.capture_old_clean_key();
ALTER TABLE public.artworks ENABLE ALWAYS TRIGGER artwork_migration_key;

CREATE TRIGGER artwork_migration_truncate BEFORE TRUNCATE ON public.artworks
FOR EACH STATEMENT EXECUTE FUNCTION artwork_migration.refuse_truncate();
ALTER TABLE public.artworks ENABLE ALWAYS TRIGGER artwork_migration_truncate;

-- Undo:
-- Why: everything that it logged was carried back under this lock.
-- Locks: ACCESS EXCLUSIVE on public.artworks, taken before.
DROP TRIGGER IF EXISTS artwork_migration_truncate ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_key ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_delete ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_update ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_insert ON public.artworks;

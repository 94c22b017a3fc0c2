-- What: the refusal of deletes through the view goes; the write-through refuses them again.
-- Why: the view goes with the next statements.
-- Inverse: 63_compatibility_deletes.sql
-- Locks: ACCESS EXCLUSIVE on public.artworks, taken before.
-- Stage: locked
DROP TRIGGER IF EXISTS artwork_migration_keep ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_delete ON public.artworks_v2;
DROP FUNCTION artwork_migration.keep_referenced();
DROP FUNCTION artwork_migration.delete_through_view();

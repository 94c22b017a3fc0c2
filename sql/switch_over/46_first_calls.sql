-- What: first calls of what the last catch-up calls for each id, with an id that no artwork has.
-- Why: to plan these statements takes longer than to execute them for a few ids (deploy_schema/48_catch_up: plan_for). The session keeps
--   the plans, so they are not made under the locks. It comes after the drain, which could wait for the locks that it takes; and a plan is
--   made anew when a statistic has changed since.
-- Inverse: none; it changes nothing.
-- Locks: ROW EXCLUSIVE on public.artworks_v2, ACCESS SHARE on public.artworks, users and what references artworks; no row.
-- Stage: fenced
DO $$
DECLARE
  mode CONSTANT text := CURRENT_SETTING('plan_cache_mode');
BEGIN
  PERFORM artwork_migration.plan_for(1);
  PERFORM artwork_migration.apply_changes(ARRAY[GEN_RANDOM_UUID()], '{}');
  PERFORM artwork_migration.wrong_ids(ARRAY[GEN_RANDOM_UUID()]);
  PERFORM SET_CONFIG('plan_cache_mode', mode, TRUE);
END
$$

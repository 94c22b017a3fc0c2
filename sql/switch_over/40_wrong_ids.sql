-- What: the function that checks the ids of the last catch-up and returns what is wrong about them, and a first call of all that the last
--   catch-up calls, with an id that no artwork has.
-- Why: to plan these statements takes longer than to execute them for a few ids. The session keeps the plans, so nothing is planned under
--   the locks. For many ids it is the other way round (deploy_schema/48_catch_up: plan_for).
-- Locks: ROW EXCLUSIVE on public.artworks_v2, ROW SHARE on users, and no row.
-- Stage: prepare
CREATE FUNCTION artwork_migration.wrong_ids(applied uuid[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
  PERFORM artwork_migration.plan_for(CARDINALITY(applied));
  RETURN (
    SELECT STRING_AGG(FORMAT('%s: %s', f.rule, f.ids), '; ')
    FROM (
      SELECT v.verdict AS rule, STRING_AGG(v.id::text, ', ' ORDER BY v.id) AS ids
      FROM artwork_migration.verdict AS v
      WHERE v.id = ANY(applied) AND v.verdict NOT IN ('match', 'excluded', 'quarantined')
      GROUP BY v.verdict
      UNION ALL
      SELECT 'referenced and left behind', STRING_AGG(DISTINCT r.id::text, ', ')
      FROM artwork_migration.referenced_artwork AS r
      WHERE
        r.id = ANY(applied) AND NOT EXISTS (SELECT FROM public.artworks_v2 AS c WHERE c.id = r.id)
        -- a key that is NOT VALID may have references that never led to an artwork
        AND EXISTS (SELECT FROM public.artworks AS l WHERE l.id = r.id)
      HAVING COUNT(*) > 0
    ) AS f
  );
END
$$;

DO $$
DECLARE
  mode CONSTANT text := CURRENT_SETTING('plan_cache_mode');
BEGIN
  PERFORM artwork_migration.plan_for(1);
  PERFORM artwork_migration.apply_changes(ARRAY[GEN_RANDOM_UUID()], '{}');
  PERFORM artwork_migration.wrong_ids(ARRAY[GEN_RANDOM_UUID()]);
  PERFORM SET_CONFIG('plan_cache_mode', mode, TRUE);
END
$$;

-- Undo:
DROP FUNCTION artwork_migration.wrong_ids(uuid[]);

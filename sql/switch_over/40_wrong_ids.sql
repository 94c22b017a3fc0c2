-- What: wrong_ids, which says what is wrong about the ids of the last catch-up.
-- Why: it is a function so that the session has its plan before the locks (46_first_calls).
-- Locks: none on a table of the application.
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

-- Undo:
DROP FUNCTION artwork_migration.wrong_ids(uuid[]);

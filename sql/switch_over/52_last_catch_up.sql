-- What: the last catch-up, under the locks: artworks in flight are copied as they are, the log is applied until it is empty, and each id of
--   it is checked once more.
-- Why: nobody can write any more, so after this both tables agree. What appeared between the gate and the lock (an order for an artwork
--   that stays behind, for example) is found here by its id, and then nothing is changed.
-- Inverse: none; what it writes to the clean table is right before and after.
-- Locks: none beyond those acquired; rows of users that are created.
-- Stage: locked
DO $$
DECLARE
  in_flight uuid[] := CURRENT_SETTING('artwork_migration.in_flight')::uuid[];
  applied uuid[] := '{}';
  batch record;
  wrong text;
BEGIN
  PERFORM artwork_migration.resolve_indirect_changes();
  in_flight := ARRAY(
    SELECT l.id FROM artwork_migration.legacy_artwork AS l
    WHERE
      l.disposition = 'in_flight'
      AND l.id = ANY(in_flight || ARRAY(SELECT x.id FROM artwork_migration.legacy_change AS g CROSS JOIN LATERAL UNNEST(g.ids) AS x (id)))
  );
  INSERT INTO artwork_migration.clean_modified (id) SELECT x.id FROM UNNEST(in_flight) AS x (id) ON CONFLICT (id) DO NOTHING;
  INSERT INTO artwork_migration.legacy_change (ids) SELECT in_flight WHERE CARDINALITY(in_flight) > 0;
  LOOP
    PERFORM artwork_migration.resolve_indirect_changes();
    -- the logs, and not pending_artwork: what that would join is resolved
    applied := applied
    || ARRAY(SELECT x.id FROM artwork_migration.legacy_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id))
    || ARRAY(SELECT UNNEST(ARRAY[k.old_id, k.new_id]) FROM artwork_migration.key_change AS k);
    SELECT b.* INTO batch FROM artwork_migration.catch_up_batch(1000) AS b;
    EXIT WHEN batch.logged = 0;
    IF CARDINALITY(batch.waiting) > 0 THEN
      RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'another session holds the owner of an artwork that is still to be copied';
    END IF;
  END LOOP;
  IF CARDINALITY(applied) = 0 THEN
    RETURN;
  END IF;
  SELECT STRING_AGG(FORMAT('%s: %s', f.rule, f.ids), '; ') INTO wrong
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
  ) AS f;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'AM002', MESSAGE = wrong;
  END IF;
END
$$

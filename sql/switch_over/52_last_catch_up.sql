-- What: the last catch-up, under the locks: the log is applied until it is empty, artworks in flight as they are, and each id of it is
--   checked once more.
-- Why: nobody can write any more, so after this both tables agree. What appeared between the gate and the lock (an order for an artwork
--   that stays behind, for example) is found here by its id, and then nothing is changed. What was in flight before is migrated already
--   (migrate_data: touch_in_flight), or came into flight later and then is in the log.
-- Inverse: none; what it writes to the clean table is right before and after.
-- Locks: none beyond those acquired; rows of users that are created.
-- Stage: locked
DO $$
DECLARE
  applied uuid[] := '{}';
  batch record;
  wrong text;
BEGIN
  LOOP
    PERFORM artwork_migration.resolve_indirect_changes();
    -- the logs, and not pending_artwork: what that would join is resolved
    applied := applied
    || ARRAY(SELECT x.id FROM artwork_migration.legacy_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id))
    || ARRAY(SELECT UNNEST(ARRAY[k.old_id, k.new_id]) FROM artwork_migration.key_change AS k);
    SELECT b.* INTO batch FROM artwork_migration.catch_up_batch(1000, in_flight => TRUE) AS b;
    EXIT WHEN batch.logged = 0;
    IF CARDINALITY(batch.waiting) > 0 THEN
      RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'another session holds the owner of an artwork that is still to be copied';
    END IF;
  END LOOP;
  IF CARDINALITY(applied) > 0 THEN
    wrong := artwork_migration.wrong_ids(ARRAY(SELECT DISTINCT UNNEST(applied)));
  END IF;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'AM002', MESSAGE = wrong;
  END IF;
END
$$

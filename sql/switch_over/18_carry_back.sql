-- What: carry_back_batch, which carries what changed on the serving table into the retired one, a batch of ids at a time.
-- Why: the log is read first and the rows in new statements after it, so a row is never older than its id in the log. A batch is written
--   at once. If the retired table rejects it (SQLSTATE classes 22, 23, 42, P0), it is written row by row, and a rejected row column by
--   column: one bad value holds back no other. A user deleted meanwhile (23503) and every other error makes the batch start anew. Outside
--   the lock it stops nobody; the rollback runs the same function for the last ids under its lock.
-- Locks: when called, the retired rows of the batch; never a serving row.
-- Stage: prepare

-- Marks log rows as carried back until it has batch_size ids, and returns those; what a large row holds beyond that is left to carry.
CREATE FUNCTION artwork_migration.take_clean_changes(batch_size integer, OUT ids uuid[], OUT taken bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WITH candidates AS (
    SELECT r.row_ctid, SUM(r.amount) OVER (ORDER BY r.row_ctid) - r.amount AS amount_before
    FROM (
      SELECT l.ctid AS row_ctid, CARDINALITY(l.ids) AS amount
      FROM artwork_migration.clean_change AS l WHERE NOT l.carried_back LIMIT batch_size
    ) AS r
  ), consumed AS (
    DELETE FROM artwork_migration.clean_change AS l
    WHERE l.ctid = ANY(ARRAY(SELECT c.row_ctid FROM candidates AS c WHERE c.amount_before < batch_size))
    RETURNING l.ids
  )
  SELECT COALESCE(ARRAY_AGG(DISTINCT x.id), '{}'), COUNT(*)
  INTO take_clean_changes.ids, take_clean_changes.taken
  FROM consumed AS c CROSS JOIN LATERAL UNNEST(c.ids) AS x (id);
  INSERT INTO artwork_migration.clean_change (ids, carried_back)
  SELECT take_clean_changes.ids[s.first:s.first + batch_size - 1], s.first = 1
  FROM GENERATE_SERIES(1, CARDINALITY(take_clean_changes.ids), batch_size) AS s (first);
  take_clean_changes.taken := take_clean_changes.taken - CARDINALITY(take_clean_changes.ids[batch_size + 1:]);
  take_clean_changes.ids := take_clean_changes.ids[:batch_size];
END
$$;

-- Deletes the retired rows of these ids that are on the serving table no more, and those that hold a token of these ids: their own ids may
-- be further back in the log. An id that was never there is not in the log. A row that has got another id since the new ids were followed
-- waits for the next batch: it is not gone.
CREATE FUNCTION artwork_migration.delete_retired(changed uuid[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  tokens CONSTANT text[] := ARRAY(SELECT c.access_token FROM public.artworks AS c WHERE c.id = ANY(changed));
  holders CONSTANT uuid[] := ARRAY(SELECT a.id FROM public.artworks_old AS a WHERE a.access_token = ANY(tokens));
  gone CONSTANT uuid[] := changed || ARRAY(SELECT g.id FROM artwork_migration.clean_deleted AS g WHERE g.id = ANY(holders));
  removed bigint;
BEGIN
  DELETE FROM public.artworks_old AS a
  WHERE
    a.id = ANY(gone) AND NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = a.id)
    AND NOT EXISTS (SELECT FROM artwork_migration.clean_key_change AS k WHERE k.old_id = a.id)
    AND NOT EXISTS (SELECT FROM artwork_migration.referenced_artwork AS r WHERE r.id = a.id);
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END
$$;

-- These rows, in these columns (NULL: all). Returns the SQLSTATE and the object of a rejection, or NULL if everything was written; after a
-- rejection nothing was. That a user was deleted meanwhile is no rejection, and is raised.
CREATE FUNCTION artwork_migration.try_carry_back(ids uuid[], columns text[], OUT sql_state text, OUT object text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  refused_column text;
  refused_constraint text;
BEGIN
  PERFORM artwork_migration.carry_back_rows(ids, columns);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS refused_column = COLUMN_NAME, refused_constraint = CONSTRAINT_NAME;
  object := artwork_migration.rejecting_object('artworks_old', SQLSTATE, refused_column, refused_constraint);
  IF object IS NULL THEN
    RAISE;
  END IF;
  sql_state := SQLSTATE;
END
$$;

-- One row alone. What the retired table takes of it is written, column by column; returns what it rejects, or NULL. A column can depend on
-- another one (a check over both), so what was rejected is tried again as long as some of it is taken.
CREATE FUNCTION artwork_migration.carry_back_alone(artwork_id uuid) RETURNS artwork_migration.rejected_write
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  whole CONSTANT record := artwork_migration.try_carry_back(ARRAY[artwork_id], NULL);
  tried record;
  rejected record := whole;
  candidate text;
  open text[];
  refused text[];
BEGIN
  IF whole.sql_state IS NULL THEN
    RETURN NULL;
  END IF;
  refused := artwork_migration.columns_to_carry_back(artwork_id);
  WHILE refused IS DISTINCT FROM open LOOP
    open := refused;
    refused := '{}';
    FOREACH candidate IN ARRAY open LOOP
      tried := artwork_migration.try_carry_back(ARRAY[artwork_id], ARRAY[candidate]);
      IF tried.sql_state IS NOT NULL THEN
        refused := refused || candidate;
        rejected := tried;
      END IF;
    END LOOP;
  END LOOP;
  -- without a retired row there are no columns: it could not be inserted
  IF refused = '{}' AND EXISTS (SELECT FROM public.artworks_old AS a WHERE a.id = artwork_id) THEN
    RETURN NULL;
  END IF;
  RETURN CAST(
    ROW(artwork_id, 'CARRY BACK', rejected.sql_state, rejected.object, refused, FALSE, CLOCK_TIMESTAMP())
    AS artwork_migration.rejected_write
  );
END
$$;

-- Row by row, as long as a row is taken that was rejected before: it may have waited for a row behind it to give up a value. Records what
-- is rejected in the end, and returns how many rows that are.
CREATE FUNCTION artwork_migration.carry_back_one_by_one(changed uuid[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  remaining uuid[] := changed;
  open bigint;
  refused artwork_migration.rejected_write[];
BEGIN
  LOOP
    open := CARDINALITY(remaining);
    refused := ARRAY(
      SELECT r FROM UNNEST(remaining) AS x (id) CROSS JOIN LATERAL artwork_migration.carry_back_alone(x.id) AS r WHERE r.id IS NOT NULL
    );
    remaining := ARRAY(SELECT r.id FROM UNNEST(refused) AS r);
    EXIT WHEN CARDINALITY(remaining) IN (0, open);
  END LOOP;
  INSERT INTO artwork_migration.rejected_write SELECT r.* FROM UNNEST(refused) AS r;
  RETURN CARDINALITY(remaining);
END
$$;

-- The first changes of ids (NULL: all), in their order. Returns how many.
CREATE FUNCTION artwork_migration.carry_back_keys(at_most integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  moved artwork_migration.clean_key_change;
  followed bigint := 0;
BEGIN
  PERFORM SET_CONFIG('artwork_migration.apply', 'on', TRUE);
  FOR moved IN
    WITH consumed AS (
      DELETE FROM artwork_migration.clean_key_change AS k
      WHERE k.number = ANY(ARRAY(SELECT f.number FROM artwork_migration.clean_key_change AS f ORDER BY f.number LIMIT at_most))
      RETURNING *
    )
    SELECT c.* FROM consumed AS c ORDER BY c.number
  LOOP
    -- the new id was free on the serving table, so who has it here was deleted there
    DELETE FROM public.artworks_old AS a WHERE a.id = moved.new_id;
    UPDATE public.artworks_old AS a SET id = moved.new_id WHERE a.id = moved.old_id;
    followed := followed + 1;
  END LOOP;
  RETURN followed;
END
$$;

-- These ids, in the caller's transaction, which says that it applies. First room is made, for new ids and for tokens.
CREATE FUNCTION artwork_migration.carry_back_ids(changed uuid[], OUT carried bigint, OUT removed bigint, OUT rejected bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM artwork_migration.carry_back_keys(NULL);
  -- What was rejected before may be fixed, or deleted, by now.
  DELETE FROM artwork_migration.rejected_write AS r WHERE r.id = ANY(changed);
  removed := artwork_migration.delete_retired(changed);
  changed := ARRAY(SELECT c.id FROM public.artworks AS c WHERE c.id = ANY(changed) ORDER BY c.id);
  rejected := 0;
  IF (artwork_migration.try_carry_back(changed, NULL)).sql_state IS NOT NULL THEN
    rejected := artwork_migration.carry_back_one_by_one(changed);
  END IF;
  carried := CARDINALITY(changed) - rejected;
  -- They stay on the clean side, and catch-up rechecks them when the legacy table serves again: an e-mail may lead to another owner.
  INSERT INTO artwork_migration.clean_modified (id) SELECT x.id FROM UNNEST(changed) AS x (id) ON CONFLICT (id) DO NOTHING;
  INSERT INTO artwork_migration.legacy_change (ids) SELECT changed WHERE CARDINALITY(changed) > 0;
END
$$;

-- What was rejected is tried again, once the log is drained: the retired table may take it by now, or another row has given up its value.
-- NULL: all of it; under the locks only a few rows, and only those that a unique key or an exclusion constraint rejected.
CREATE FUNCTION artwork_migration.log_rejected_again(at_most integer) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  WITH logged AS (
    INSERT INTO artwork_migration.clean_change (ids)
    SELECT ARRAY_AGG(r.id)
    FROM (
      SELECT w.id FROM artwork_migration.rejected_write AS w
      WHERE at_most IS NULL OR w.sql_state IN ('23505', '23P01')
      LIMIT at_most
    ) AS r
    HAVING COUNT(*) > 0
    RETURNING ids
  )
  SELECT COALESCE(SUM(CARDINALITY(l.ids)), 0) FROM logged AS l;
$$;

-- One batch, one transaction (READ COMMITTED). `logged` is 0 when nothing is left to carry.
CREATE FUNCTION artwork_migration.carry_back_batch(batch_size integer) RETURNS TABLE (
  logged bigint, carried bigint, removed bigint, rejected bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  changed uuid[];
BEGIN
  PERFORM SET_CONFIG('artwork_migration.apply', 'on', TRUE);
  SELECT t.ids, t.taken INTO changed, logged FROM artwork_migration.take_clean_changes(batch_size) AS t;
  SELECT c.carried, c.removed, c.rejected INTO carried, removed, rejected FROM artwork_migration.carry_back_ids(changed) AS c;
  RETURN NEXT;
END
$$;

-- These ids, and taken back at once, in a transaction of their own: a session that waits for one of the rows waits for its end.
-- Longer, somebody who deletes a user could become the victim of a deadlock.
CREATE FUNCTION artwork_migration.dry_run_ids(
  changed uuid[], OUT carried bigint, OUT removed bigint, OUT rejected bigint, OUT rejections jsonb
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM SET_CONFIG('artwork_migration.apply', 'on', TRUE);
  SELECT c.carried, c.removed, c.rejected
  INTO dry_run_ids.carried, dry_run_ids.removed, dry_run_ids.rejected
  FROM artwork_migration.carry_back_ids(changed) AS c;
  rejections := COALESCE(
    (
      SELECT JSONB_AGG(TO_JSONB(r) ORDER BY r.id)
      FROM (SELECT w.id, w.columns, w.sql_state, w.object FROM artwork_migration.rejected_write AS w WHERE w.id = ANY(changed)) AS r
    ),
    '[]'
  );
  RAISE EXCEPTION USING ERRCODE = 'AM004', MESSAGE = 'dry run';
EXCEPTION WHEN SQLSTATE 'AM004' THEN
  NULL;
END
$$;

-- Takes out again the owners that writes through legacy_names have given to retired rows without one; the undo of legacy_names does it for
-- those that are left, under the locks. A later write through legacy_names gives the row its owner again; until then a policy may hide from
-- its owner the columns that only that row has. Returns how many it has looked at. It locks in the order of such a write, and leaves out
-- what one has locked.
CREATE FUNCTION artwork_migration.take_out_owners(batch_size integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  batch CONSTANT uuid[] := ARRAY(
    SELECT w.id FROM artwork_migration.legacy_names_write AS w
    WHERE w.filled_owner IS NOT NULL
    ORDER BY w.id
    LIMIT batch_size
    FOR UPDATE SKIP LOCKED
  );
BEGIN
  -- without such a row the legacy table may have no user_id
  IF CARDINALITY(batch) > 0 THEN
    PERFORM SET_CONFIG('artwork_migration.apply', 'on', TRUE);
    UPDATE public.artworks_old AS a
    SET user_id = NULL
    FROM artwork_migration.legacy_names_write AS w
    WHERE w.id = ANY(batch) AND a.id = w.id AND a.user_id = w.filled_owner;
    UPDATE artwork_migration.legacy_names_write AS w SET filled_owner = NULL WHERE w.id = ANY(batch);
  END IF;
  RETURN CARDINALITY(batch);
END
$$;

-- A batch with a rejection, once more: here all rows are gone that the serving table has no more, and not only those of the batch.
CREATE FUNCTION artwork_migration.dry_run_again(changed uuid[]) RETURNS TABLE (rejected bigint, rejections jsonb)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  SELECT d.rejected, d.rejections
  FROM artwork_migration.dry_run_ids(changed || ARRAY(SELECT g.id FROM artwork_migration.clean_deleted AS g)) AS d;
$$;

-- Undo:
-- Why: once the legacy table serves again there is nothing to carry back, and the names in them would mean other tables.
DROP FUNCTION artwork_migration.take_out_owners(integer);
DROP FUNCTION artwork_migration.dry_run_again(uuid[]);
DROP FUNCTION artwork_migration.dry_run_ids(uuid[]);
DROP FUNCTION artwork_migration.carry_back_batch(integer);
DROP FUNCTION artwork_migration.log_rejected_again(integer);
DROP FUNCTION artwork_migration.carry_back_ids(uuid[]);
DROP FUNCTION artwork_migration.carry_back_keys(integer);
DROP FUNCTION artwork_migration.carry_back_one_by_one(uuid[]);
DROP FUNCTION artwork_migration.carry_back_alone(uuid);
DROP FUNCTION artwork_migration.try_carry_back(uuid[], text[]);
DROP FUNCTION artwork_migration.delete_retired(uuid[]);
DROP FUNCTION artwork_migration.take_clean_changes(integer);

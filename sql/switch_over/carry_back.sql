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

-- Ids that are on the serving table no more. An id that was never there is not in the log.
CREATE FUNCTION artwork_migration.delete_retired(gone uuid[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  removed bigint;
BEGIN
  DELETE FROM public.artworks_old AS a
  WHERE
    a.id = ANY(gone) AND NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = a.id)
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
  IF LEFT(SQLSTATE, 2) NOT IN ('22', '23', '42', 'P0') OR (SQLSTATE = '23503' AND EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS k
    INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND a.attnum = ANY(k.conkey)
    WHERE k.conrelid = 'public.artworks_old'::regclass AND k.conname = refused_constraint AND a.attname = 'user_id'
  )) THEN
    RAISE;
  END IF;
  sql_state := SQLSTATE;
  object := CONCAT_WS('.', 'artworks_old', NULLIF(refused_column, ''), NULLIF(refused_constraint, ''));
END
$$;

-- One row alone. What the retired table takes of it is written, column by column; the columns that it rejects are recorded. A column can
-- depend on another one (a check over both), so what was rejected is tried again as long as some of it is taken.
CREATE FUNCTION artwork_migration.carry_back_or_refuse(artwork_id uuid) RETURNS boolean
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
    RETURN TRUE;
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
    RETURN TRUE;
  END IF;
  INSERT INTO artwork_migration.rejected_write (id, operation, sql_state, object, columns)
  VALUES (artwork_id, 'CARRY BACK', rejected.sql_state, rejected.object, refused)
  ON CONFLICT (id) DO UPDATE
  SET
    operation = EXCLUDED.operation,
    sql_state = EXCLUDED.sql_state,
    object = EXCLUDED.object,
    columns = EXCLUDED.columns,
    refused_at = EXCLUDED.refused_at;
  RETURN FALSE;
END
$$;

-- These ids, in the caller's transaction, which says that it applies.
CREATE FUNCTION artwork_migration.carry_back_ids(changed uuid[], OUT carried bigint, OUT removed bigint, OUT rejected bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  moved artwork_migration.clean_key_change;
BEGIN
  FOR moved IN
    WITH consumed AS (DELETE FROM artwork_migration.clean_key_change RETURNING *) SELECT c.* FROM consumed AS c ORDER BY c.number
  LOOP
    UPDATE public.artworks_old AS a
    SET id = moved.new_id
    WHERE a.id = moved.old_id AND NOT EXISTS (SELECT FROM public.artworks_old AS n WHERE n.id = moved.new_id);
  END LOOP;

  -- What was rejected before may be fixed, or deleted, by now.
  DELETE FROM artwork_migration.rejected_write AS r WHERE r.id = ANY(changed);
  removed := artwork_migration.delete_retired(changed);
  changed := ARRAY(SELECT c.id FROM public.artworks AS c WHERE c.id = ANY(changed) ORDER BY c.id);
  carried := CARDINALITY(changed);
  IF (artwork_migration.try_carry_back(changed, NULL)).sql_state IS NOT NULL THEN
    SELECT COUNT(*) FILTER (WHERE artwork_migration.carry_back_or_refuse(x.id)) INTO carried FROM UNNEST(changed) AS x (id);
  END IF;
  rejected := CARDINALITY(changed) - carried;
  -- They stay on the clean side, and catch-up rechecks them when the legacy table serves again: an e-mail may lead to another owner.
  INSERT INTO artwork_migration.clean_modified (id) SELECT x.id FROM UNNEST(changed) AS x (id) ON CONFLICT (id) DO NOTHING;
  INSERT INTO artwork_migration.legacy_change (ids) SELECT changed WHERE CARDINALITY(changed) > 0;
END
$$;

-- What was rejected before is tried again by every rollback: the retired table may take it by now.
CREATE FUNCTION artwork_migration.log_rejected_again() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO artwork_migration.clean_change (ids) SELECT ARRAY_AGG(r.id) FROM artwork_migration.rejected_write AS r HAVING COUNT(*) > 0;
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

-- The same, and taken back at once: the retired rows are locked for this batch alone, and only the log says that it was there, until the
-- caller rolls back. With rows locked from batch to batch, somebody who deletes a user could become the victim of a deadlock.
CREATE FUNCTION artwork_migration.dry_run_batch(batch_size integer) RETURNS TABLE (
  logged bigint, carried bigint, removed bigint, rejected bigint, rejections jsonb
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  changed uuid[];
BEGIN
  PERFORM SET_CONFIG('artwork_migration.apply', 'on', TRUE);
  SELECT t.ids, t.taken INTO changed, logged FROM artwork_migration.take_clean_changes(batch_size) AS t;
  BEGIN
    SELECT c.carried, c.removed, c.rejected INTO carried, removed, rejected FROM artwork_migration.carry_back_ids(changed) AS c;
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
  END;
  RETURN NEXT;
END
$$;

-- Undo:
-- Why: once the legacy table serves again there is nothing to carry back, and the names in them would mean other tables.
DROP FUNCTION artwork_migration.dry_run_batch(integer);
DROP FUNCTION artwork_migration.carry_back_batch(integer);
DROP FUNCTION artwork_migration.log_rejected_again();
DROP FUNCTION artwork_migration.carry_back_ids(uuid[]);
DROP FUNCTION artwork_migration.carry_back_or_refuse(uuid);
DROP FUNCTION artwork_migration.try_carry_back(uuid[], text[]);
DROP FUNCTION artwork_migration.delete_retired(uuid[]);
DROP FUNCTION artwork_migration.take_clean_changes(integer);

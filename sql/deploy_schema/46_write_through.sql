-- What: the function behind the write-through: a committed write to the clean table is also in the legacy table, by the same transaction.
-- Why: until the switch orders, policies and print jobs read the legacy table, so it stays the only truth. Only changed columns are
--   written, so changes of both sides merge. A write that legacy rejects (SQLSTATE classes 22, 23, 42, P0) is written column by column;
--   the columns that legacy rejects are recorded, and the clean write stands. Every other error is raised: swallowing a lock timeout would
--   lose the write and report success. Its writes to the legacy table are captured like any other, so catch-up rechecks the row: a trigger
--   of the application may have changed it.
-- Locks: when fired, the clean row (held by the statement) and then the legacy row.
-- Stage: prepare

-- For the next statement, which fires triggers of the application: their functions name tables as the application's sessions do, and with
-- our search_path every such write would fail. It is in force until the calling function ends. Until then every function is named with
-- its schema, and only values of one type are compared: an object in public is preferred where the catalog has no exact match, and would
-- run with our privileges. pg_temp is last for the same reason.
CREATE FUNCTION artwork_migration.widen_search_path() RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_catalog.SET_CONFIG('search_path', 'pg_catalog, public, extensions, pg_temp', TRUE);
END
$$;

-- The id that the legacy row of this clean row has now: key changes that catch-up has not followed yet, in their order. A chain begins with
-- the clean row, so a change before the clean row was inserted is another row's. An id in the chain may be in use by another row again.
CREATE FUNCTION artwork_migration.legacy_id(artwork_id uuid) RETURNS uuid
LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH RECURSIVE chain AS (
    SELECT
      artwork_id AS id,
      COALESCE(MAX(k.number), 0) AS number
    FROM artwork_migration.key_change AS k
    WHERE k.old_id = artwork_id AND k.new_id = artwork_id
    UNION ALL
    SELECT
      n.new_id,
      n.number
    FROM chain AS c
    CROSS JOIN LATERAL (
      SELECT
        k.new_id,
        k.number
      FROM artwork_migration.key_change AS k
      WHERE k.old_id = c.id AND k.number > c.number
      ORDER BY k.number
      LIMIT 1
    ) AS n
  )

  SELECT c.id FROM chain AS c ORDER BY c.number DESC LIMIT 1;
END;

-- A row that was created on the clean side and that legacy rejected because another row had its id. That row belongs to another customer:
-- a role that can insert here would otherwise write, with this trigger's privileges, to a row that it may not even see. A row created after
-- the rejection is this row, copied by hand.
CREATE FUNCTION artwork_migration.is_foreign_id(artwork_id uuid) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = artwork_id AND r.operation = 'INSERT' AND r.foreign_row);

-- A row that legacy rejected as a whole, when it was created or when it was carried back, and that was not copied by hand since: the only
-- copy there is.
CREATE FUNCTION artwork_migration.is_only_clean(artwork_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = artwork_id AND r.columns = '{}')
    AND NOT EXISTS (SELECT FROM public.artworks AS a WHERE a.id = artwork_id)
    AND artwork_migration.legacy_id(artwork_id) = artwork_id;
END
$$;

-- Whether legacy has the row. If row level security hides rows from the owner of this function, it fails, and the write is recorded as
-- rejected: a row that cannot be seen is not a row that was deleted.
CREATE FUNCTION artwork_migration.is_in_legacy(artwork_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET row_security = off
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM public.artworks AS a WHERE a.id = artwork_id);
END
$$;

-- Legacy has taken these columns of the row; once no rejected column is left, nothing is left to decide.
CREATE FUNCTION artwork_migration.resolve_columns(artwork_id uuid, written text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  remaining text[];
BEGIN
  SELECT ARRAY(SELECT UNNEST(r.columns) EXCEPT SELECT UNNEST(written) ORDER BY 1)
  INTO remaining
  FROM artwork_migration.rejected_write AS r
  WHERE r.id = artwork_id AND r.columns && written;
  IF remaining = '{}' THEN
    PERFORM artwork_migration.resolve_rejection(artwork_id, NULL);
  ELSIF remaining IS NOT NULL THEN
    UPDATE artwork_migration.rejected_write AS r SET columns = remaining WHERE r.id = artwork_id;
  END IF;
END
$$;

-- Nothing is left to decide about this row. A row in quarantine that waits for its token is next, also one that this snapshot does not
-- show.
CREATE FUNCTION artwork_migration.resolve_rejection(artwork_id uuid, token text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  DELETE FROM artwork_migration.rejected_write AS r WHERE r.id = artwork_id;
  INSERT INTO artwork_migration.legacy_change (ids) VALUES (ARRAY[artwork_id]);
  INSERT INTO artwork_migration.indirect_change (tokens) SELECT ARRAY[token] WHERE token IS NOT NULL;
END
$$;

-- What a failed write to the legacy or the retired table means, for the write-through and for the carry-back: the object that rejects the
-- row, or NULL if the error is not a rejection and must be raised. The key to the owner rejects nothing: an owner that does not exist is
-- the writer's error from the first day, although the clean table has that key only after the copy; and a user may be deleted while a row
-- is carried back.
CREATE FUNCTION artwork_migration.rejecting_object(
  relation text, sql_state text, refused_column text, refused_constraint text
) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CONCAT_WS('.', relation, NULLIF(refused_column, ''), NULLIF(refused_constraint, ''))
  WHERE
    LEFT(sql_state, 2) IN ('22', '23', '42', 'P0')
    AND NOT EXISTS (
      SELECT FROM pg_constraint AS k INNER JOIN pg_attribute AS a ON k.conrelid = a.attrelid AND a.attnum = ANY(k.conkey)
      WHERE
        k.contype = 'f' AND k.conrelid = TO_REGCLASS('public.' || relation) AND k.conname = refused_constraint AND a.attname = 'user_id'
    );
$$;

-- The INSERT of the legacy row, or the UPDATE of these clean columns of it; NULL if the mapping writes none of them.
CREATE FUNCTION artwork_migration.legacy_write(operation text, columns text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT
    CASE operation
      WHEN 'INSERT'
        THEN FORMAT(
          'INSERT INTO public.artworks (%s) SELECT %s',
          STRING_AGG(QUOTE_IDENT(m.legacy_column), ', '),
          STRING_AGG(REPLACE(m.back, '@', FORMAT('($1).%I', m.clean_column)), ', ')
        )
      ELSE FORMAT(
        'UPDATE public.artworks SET %s WHERE id = $2',
        STRING_AGG(FORMAT('%I = %s', m.legacy_column, REPLACE(m.back, '@', FORMAT('($1).%I', m.clean_column))), ', ')
      )
    END
  FROM artwork_migration.column_mapping AS m
  WHERE operation = 'INSERT' OR (m.on_update AND m.clean_column = ANY(columns))
  HAVING COUNT(*) > 0;
$$;

-- Writes the legacy row, or these clean columns of it. Returns the SQLSTATE and the object of a rejection, or NULL if everything was
-- written; after a rejection nothing was.
CREATE FUNCTION artwork_migration.try_write(
  operation text, columns text[], clean_row public.artworks_v2, OUT sql_state text, OUT object text
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  write CONSTANT text := artwork_migration.legacy_write(operation, columns);
  refused_column text;
  refused_constraint text;
  target uuid;
  reached bigint;
BEGIN
  IF write IS NULL THEN
    RETURN;
  END IF;
  PERFORM artwork_migration.widen_search_path();
  -- the id may change while the row is waited for
  LOOP
    target := artwork_migration.legacy_id(clean_row.id);
    EXECUTE write USING clean_row, target;
    GET DIAGNOSTICS reached = ROW_COUNT;
    EXIT WHEN reached > 0 OR target = artwork_migration.legacy_id(clean_row.id);
  END LOOP;
  -- A trigger of the legacy table may skip a row without an error. That legacy has deleted the row is no error.
  IF reached = 0 AND (operation = 'INSERT' OR artwork_migration.is_in_legacy(target)) THEN
    RAISE EXCEPTION USING ERRCODE = 'P0001', MESSAGE = 'a trigger of the legacy table skipped the row';
  END IF;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS refused_column = COLUMN_NAME, refused_constraint = CONSTRAINT_NAME;
  object := artwork_migration.rejecting_object('artworks', SQLSTATE, refused_column, refused_constraint);
  IF object IS NULL THEN
    RAISE;
  END IF;
  sql_state := SQLSTATE;
END
$$;

CREATE FUNCTION artwork_migration.write_through() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  operation text := TG_OP;
  changed text[] := '{}';
  candidate text;
  candidates text[];
  refused text[] := '{}';
  tried record;
  rejected record;
BEGIN
  -- A snapshot that is older than the deployment, or than the rollback after the switch, shows no mapping (75_write_through_triggers.sql),
  -- and the write would stay in the clean table.
  IF NOT EXISTS (SELECT FROM artwork_migration.column_mapping) THEN
    RAISE EXCEPTION USING
      ERRCODE = '40001',
      MESSAGE = 'this transaction began before artworks served beside artworks_v2, so its write would not reach the legacy table',
      HINT = 'Repeat the transaction.';
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
    RAISE EXCEPTION USING
      ERRCODE = '0A000',
      MESSAGE = 'the id of an artwork in artworks_v2 cannot be changed during the migration';
  END IF;
  IF TG_OP = 'UPDATE' AND artwork_migration.is_only_clean(NEW.id) THEN
    -- Legacy rejected the whole row; it may accept the row as it is now.
    operation := 'INSERT';
  END IF;
  IF operation = 'UPDATE' THEN
    IF artwork_migration.is_foreign_id(NEW.id) THEN
      RETURN NULL;
    END IF;
    SELECT ARRAY_AGG(n.key)
    INTO changed
    FROM JSONB_EACH_TEXT(TO_JSONB(NEW)) AS n
    WHERE TO_JSONB(OLD) ->> n.key IS DISTINCT FROM n.value;
    -- If a user is deleted or its id changes, the foreign keys change user_id on both sides: that is no change of the application to this row.
    IF 'user_id' = ANY(changed) AND NEW.user_id IS NOT DISTINCT FROM (
      SELECT l.user_id FROM artwork_migration.legacy_artwork AS l WHERE l.id = artwork_migration.legacy_id(NEW.id)
    ) THEN
      changed := ARRAY_REMOVE(changed, 'user_id');
      IF changed <@ ARRAY['updated_at'] THEN
        INSERT INTO artwork_migration.legacy_change (ids) VALUES (ARRAY[NEW.id]);
        RETURN NULL;
      END IF;
    END IF;
  END IF;
  INSERT INTO artwork_migration.clean_modified (id) VALUES (NEW.id) ON CONFLICT (id) DO NOTHING;
  IF TG_OP = 'INSERT' AND artwork_migration.legacy_id(NEW.id) <> NEW.id THEN
    -- an earlier clean row of this id had another legacy row: a new chain begins
    INSERT INTO artwork_migration.key_change (old_id, new_id) VALUES (NEW.id, NEW.id);
  END IF;

  rejected := artwork_migration.try_write(operation, changed, NEW);
  IF rejected.sql_state IS NULL THEN
    IF operation <> TG_OP THEN
      PERFORM artwork_migration.resolve_rejection(NEW.id, OLD.access_token);
    ELSIF operation = 'UPDATE' THEN
      PERFORM artwork_migration.resolve_columns(NEW.id, changed);
    END IF;
    RETURN NULL;
  END IF;
  IF operation = 'UPDATE' THEN
    -- Column by column; the time of the change comes last, and not alone. A column can depend on another one (a check over both), so what
    -- was rejected is tried again as long as some of it is taken.
    refused := ARRAY(
      SELECT m.clean_column FROM artwork_migration.column_mapping AS m
      WHERE m.on_update AND m.clean_column = ANY(changed)
      ORDER BY m.clean_column = 'updated_at', m.clean_column
    );
    WHILE refused IS DISTINCT FROM candidates LOOP
      candidates := refused;
      refused := '{}';
      FOREACH candidate IN ARRAY candidates LOOP
        CONTINUE WHEN candidate = 'updated_at' AND refused <> '{}' AND CARDINALITY(refused) = CARDINALITY(candidates) - 1;
        tried := artwork_migration.try_write(operation, ARRAY[candidate], NEW);
        IF tried.sql_state IS NOT NULL THEN
          refused := refused || candidate;
          rejected := tried;
        END IF;
      END LOOP;
    END LOOP;
    PERFORM artwork_migration.resolve_columns(NEW.id, ARRAY(SELECT UNNEST(changed) EXCEPT SELECT UNNEST(refused)));
    IF refused = '{}' THEN
      RETURN NULL;
    END IF;
  END IF;
  INSERT INTO artwork_migration.rejected_write AS r (id, operation, sql_state, object, columns, foreign_row)
  VALUES (
    NEW.id,
    operation,
    rejected.sql_state,
    rejected.object,
    refused,
    -- an older snapshot does not show every row that is there
    TG_OP = 'INSERT' AND (
      CURRENT_SETTING('transaction_isolation') <> 'read committed'
      OR EXISTS (SELECT FROM public.artworks AS a WHERE a.id = NEW.id)
    )
  )
  ON CONFLICT (id) DO UPDATE
  SET
    operation = EXCLUDED.operation,
    sql_state = EXCLUDED.sql_state,
    object = EXCLUDED.object,
    columns = ARRAY(SELECT UNNEST(r.columns) UNION SELECT UNNEST(EXCLUDED.columns) ORDER BY 1),
    foreign_row = r.foreign_row OR EXCLUDED.foreign_row,
    refused_at = EXCLUDED.refused_at;
  RETURN NULL;
END
$$;

-- An artwork that another table references must not be deleted, as with a RESTRICT key. The serving row is locked first, and references
-- are searched in a new statement: an order that is being placed holds KEY SHARE on the row, and a cascade would delete that order with
-- its payment.
-- If row level security hides references from the owner of this function, it fails.
CREATE FUNCTION artwork_migration.refuse_referenced(artwork_id uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET row_security = off
AS $$
BEGIN
  IF CURRENT_SETTING('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING
      ERRCODE = '0A000',
      MESSAGE = 'an artwork can be deleted through artworks_v2 in a READ COMMITTED transaction only',
      HINT = 'An older snapshot would not show a new order. To fix: repeat the delete in a READ COMMITTED transaction.';
  END IF;
  PERFORM FROM public.artworks AS a WHERE a.id = artwork_id FOR UPDATE;
  IF EXISTS (SELECT FROM artwork_migration.referenced_artwork AS r WHERE r.id = artwork_id) THEN
    RAISE EXCEPTION USING
      ERRCODE = '23001',
      MESSAGE = FORMAT('artwork %s is referenced by another table and cannot be deleted', artwork_id),
      HINT = 'To fix: delete the rows that reference it first.';
  END IF;
END
$$;

CREATE FUNCTION artwork_migration.delete_through() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  target uuid;
BEGIN
  IF artwork_migration.is_foreign_id(OLD.id) OR artwork_migration.is_only_clean(OLD.id) THEN
    PERFORM artwork_migration.resolve_rejection(OLD.id, OLD.access_token);
    DELETE FROM artwork_migration.clean_modified AS t WHERE t.id = OLD.id;
    RETURN NULL;
  END IF;
  PERFORM artwork_migration.widen_search_path();
  -- the id may change while the row is waited for
  LOOP
    target := artwork_migration.legacy_id(OLD.id);
    PERFORM artwork_migration.refuse_referenced(target);
    DELETE FROM public.artworks AS a WHERE a.id = target;
    EXIT WHEN target = artwork_migration.legacy_id(OLD.id);
  END LOOP;
  IF EXISTS (SELECT FROM public.artworks AS a WHERE a.id = target) THEN
    RAISE EXCEPTION USING
      ERRCODE = '23001',
      MESSAGE = pg_catalog.FORMAT('artwork %s cannot be deleted: a trigger of the legacy table keeps its row', OLD.id);
  END IF;
  -- Deleted on both sides: nothing is left to decide.
  DELETE FROM artwork_migration.rejected_write AS r WHERE r.id = OLD.id;
  RETURN NULL;
END
$$;

-- Undo:
DROP FUNCTION artwork_migration.delete_through();
DROP FUNCTION artwork_migration.refuse_referenced(uuid);
DROP FUNCTION artwork_migration.write_through();
DROP FUNCTION artwork_migration.try_write(text, text[], public.artworks_v2);
DROP FUNCTION artwork_migration.rejecting_object(text, text, text, text);
DROP FUNCTION artwork_migration.legacy_write(text, text[]);
DROP FUNCTION artwork_migration.resolve_columns(uuid, text[]);
DROP FUNCTION artwork_migration.resolve_rejection(uuid, text);
DROP FUNCTION artwork_migration.is_in_legacy(uuid);
DROP FUNCTION artwork_migration.is_only_clean(uuid);
DROP FUNCTION artwork_migration.is_foreign_id(uuid);
DROP FUNCTION artwork_migration.legacy_id(uuid);
DROP FUNCTION artwork_migration.widen_search_path();

-- What: the function behind the write-through: a committed write to the clean table lands in the legacy table in the same transaction.
-- Why: until the switch orders, policies and print jobs read the legacy table, so it stays the one truth. Only changed columns are written,
--   so both sides' changes merge. What legacy cannot take (SQLSTATE classes 22, 23, 42, P0) is recorded and the clean write stands; every
--   other error is the application's: swallowing a lock timeout would lose the write behind a success. What it writes to the legacy
--   table is captured like any write there, so catch-up looks at it once more: a trigger of the application's may have had the last word.
-- Locks: when fired, the clean row (held by the statement) and then the legacy row.
-- Stage: prepare

-- For the one statement that comes next, which fires triggers of the application's: their functions name its tables as its own sessions do,
-- and with our search_path every such write would be refused. It holds to the end of the function that calls it. Until then every
-- function is named with its schema, and only values of one type are compared: what somebody puts into public is preferred where the
-- catalog has no exact match, and would run with our rights. pg_temp stands last for the same reason.
CREATE FUNCTION artwork_migration.widen_search_path() RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_catalog.SET_CONFIG('search_path', 'pg_catalog, public, extensions, pg_temp', TRUE);
END
$$;

-- A row that was born on the clean side and that legacy has refused because another one had its id. That one is somebody else's: whoever
-- may insert here would otherwise write, by this trigger's rights, to a row that they may not even see. One that came after the refusal is
-- this row, brought over by hand.
CREATE FUNCTION artwork_migration.is_foreign_id(artwork_id uuid) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = artwork_id AND r.operation = 'INSERT' AND r.foreign_row);

-- A row that was born on the clean side, that legacy has refused and that nobody has brought over yet: the only copy there is.
CREATE FUNCTION artwork_migration.is_only_clean(artwork_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = artwork_id AND r.operation = 'INSERT')
    AND NOT EXISTS (SELECT FROM public.artworks AS a WHERE a.id = artwork_id)
    AND NOT EXISTS (SELECT FROM artwork_migration.key_change AS k WHERE k.old_id = artwork_id);
END
$$;

-- Nothing is left to decide about this row. Whoever waits in quarantine for the token that it held comes next.
CREATE FUNCTION artwork_migration.resolve_rejection(artwork_id uuid, token text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  DELETE FROM artwork_migration.rejected_write AS r WHERE r.id = artwork_id;
  INSERT INTO artwork_migration.legacy_change (ids)
  VALUES (artwork_id || ARRAY(SELECT l.id FROM artwork_migration.legacy_artwork AS l WHERE l.access_token = token));
END
$$;

CREATE FUNCTION artwork_migration.write_through() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  operation text := TG_OP;
  refused_column text;
  refused_constraint text;
  changed text[] := '{}';
  write text;
  reached bigint;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
    RAISE EXCEPTION USING
      ERRCODE = '0A000',
      MESSAGE = 'the id of an artwork cannot be changed on the clean side while it is being migrated';
  END IF;
  IF TG_OP = 'UPDATE' AND artwork_migration.is_only_clean(NEW.id) THEN
    -- Legacy has refused the whole row; as it is now it may be welcome.
    operation := 'INSERT';
  END IF;
  IF operation = 'INSERT' THEN
    SELECT FORMAT(
      'INSERT INTO public.artworks (%s) SELECT %s',
      STRING_AGG(QUOTE_IDENT(m.legacy_column), ', '),
      STRING_AGG(REPLACE(m.back, '@', FORMAT('($1).%I', m.clean_column)), ', ')
    )
    INTO write
    FROM artwork_migration.column_mapping AS m;
  ELSE
    IF artwork_migration.is_foreign_id(NEW.id) THEN
      RETURN NULL;
    END IF;
    SELECT ARRAY_AGG(n.key)
    INTO changed
    FROM JSONB_EACH(TO_JSONB(NEW)) AS n
    WHERE TO_JSONB(OLD) -> n.key IS DISTINCT FROM n.value;
    -- A user deleted or re-keyed changes user_id on both sides by the foreign keys: nothing of it is the application's change to this row.
    IF 'user_id' = ANY(changed) AND NEW.user_id IS NOT DISTINCT FROM (
      SELECT l.user_id FROM artwork_migration.legacy_artwork AS l WHERE l.id = NEW.id
    ) THEN
      changed := ARRAY_REMOVE(changed, 'user_id');
      IF changed <@ ARRAY['updated_at'] THEN
        INSERT INTO artwork_migration.legacy_change (ids) VALUES (ARRAY[NEW.id]);
        RETURN NULL;
      END IF;
    END IF;
    SELECT FORMAT(
      'UPDATE public.artworks SET %s WHERE id = $2',
      STRING_AGG(FORMAT('%I = %s', m.legacy_column, REPLACE(m.back, '@', FORMAT('($1).%I', m.clean_column))), ', ')
    )
    INTO write
    FROM artwork_migration.column_mapping AS m
    WHERE m.on_update AND m.clean_column = ANY(changed)
    HAVING COUNT(*) > 0;
  END IF;
  INSERT INTO artwork_migration.clean_modified (id) VALUES (NEW.id) ON CONFLICT (id) DO NOTHING;

  BEGIN
    IF write IS NOT NULL THEN
      PERFORM artwork_migration.widen_search_path();
      EXECUTE write USING NEW, NEW.id;
      GET DIAGNOSTICS reached = ROW_COUNT;
      IF reached = 0 AND operation = 'UPDATE' THEN
        -- The legacy row may have got another id that catch-up has still to follow.
        EXECUTE write USING NEW, (
          SELECT k.new_id FROM artwork_migration.key_change AS k WHERE k.old_id = NEW.id ORDER BY k.number DESC LIMIT 1
        );
        GET DIAGNOSTICS reached = ROW_COUNT;
      END IF;
    END IF;
    -- A trigger of the legacy table's may skip a row without an error. A row that legacy has deleted is its right.
    IF reached = 0 AND (operation = 'INSERT' OR EXISTS (SELECT FROM public.artworks AS a WHERE a.id = NEW.id)) THEN
      RAISE EXCEPTION USING ERRCODE = 'P0001', MESSAGE = 'a trigger of the legacy table skipped the row';
    END IF;
    IF operation <> TG_OP THEN
      PERFORM artwork_migration.resolve_rejection(NEW.id, OLD.access_token);
    END IF;
  EXCEPTION WHEN OTHERS THEN
    IF LEFT(SQLSTATE, 2) NOT IN ('22', '23', '42', 'P0') THEN
      RAISE;
    END IF;
    GET STACKED DIAGNOSTICS refused_column = COLUMN_NAME, refused_constraint = CONSTRAINT_NAME;
    INSERT INTO artwork_migration.rejected_write AS r (id, operation, sql_state, object, foreign_row)
    VALUES (
      NEW.id,
      operation,
      SQLSTATE,
      CONCAT_WS('.', 'artworks', NULLIF(refused_column, ''), NULLIF(refused_constraint, '')),
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
      foreign_row = r.foreign_row OR EXCLUDED.foreign_row,
      refused_at = EXCLUDED.refused_at;
  END;
  RETURN NULL;
END
$$;

-- An artwork that another table references is not to be deleted, as a RESTRICT key would have it. The row that serves is locked first and
-- references are looked for in a new statement: an order that is just being placed holds KEY SHARE on it, and a cascade would take that
-- order with its payment.
CREATE FUNCTION artwork_migration.refuse_referenced(artwork_id uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF CURRENT_SETTING('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING
      ERRCODE = '0A000',
      MESSAGE = 'deleting an artwork through artworks_v2 needs a READ COMMITTED transaction',
      HINT = 'An older snapshot would not show an order placed meanwhile. Repeat the delete in a READ COMMITTED transaction.';
  END IF;
  PERFORM FROM public.artworks AS a WHERE a.id = artwork_id FOR UPDATE;
  IF EXISTS (SELECT FROM artwork_migration.referenced_artwork AS r WHERE r.id = artwork_id) THEN
    RAISE EXCEPTION USING
      ERRCODE = '23001',
      MESSAGE = FORMAT('artwork %s is referenced by another table and cannot be deleted', artwork_id),
      HINT = 'Delete what references it first.';
  END IF;
END
$$;

CREATE FUNCTION artwork_migration.delete_through() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF artwork_migration.is_foreign_id(OLD.id) OR artwork_migration.is_only_clean(OLD.id) THEN
    PERFORM artwork_migration.resolve_rejection(OLD.id, OLD.access_token);
    DELETE FROM artwork_migration.clean_modified AS t WHERE t.id = OLD.id;
    RETURN NULL;
  END IF;
  PERFORM artwork_migration.refuse_referenced(OLD.id);
  PERFORM artwork_migration.widen_search_path();
  DELETE FROM public.artworks AS a WHERE a.id = OLD.id;
  IF EXISTS (SELECT FROM public.artworks AS a WHERE a.id = OLD.id) THEN
    RAISE EXCEPTION USING
      ERRCODE = '23001',
      MESSAGE = pg_catalog.FORMAT('artwork %s cannot be deleted: a trigger of the legacy table keeps its row', OLD.id);
  END IF;
  -- Gone on both sides: there is nothing left to decide.
  DELETE FROM artwork_migration.rejected_write AS r WHERE r.id = OLD.id;
  RETURN NULL;
END
$$;

-- Undo:
DROP FUNCTION artwork_migration.delete_through();
DROP FUNCTION artwork_migration.refuse_referenced(uuid);
DROP FUNCTION artwork_migration.write_through();
DROP FUNCTION artwork_migration.resolve_rejection(uuid, text);
DROP FUNCTION artwork_migration.is_only_clean(uuid);
DROP FUNCTION artwork_migration.is_foreign_id(uuid);
DROP FUNCTION artwork_migration.widen_search_path();

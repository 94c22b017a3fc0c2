-- What: the log of what changes on the serving table after the switch, and the functions that write it and that guard the retired table.
-- Why: the rollback carries these ids into the retired table. Append-only, without a key, one row a statement, like legacy_change. What
--   was carried back stays, marked: the log is the memory of the safety window.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.clean_change (
  ids uuid[] NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  carried_back boolean NOT NULL DEFAULT FALSE
);
ALTER TABLE artwork_migration.clean_change REPLICA IDENTITY FULL;
ALTER TABLE artwork_migration.clean_change SET (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000, toast.autovacuum_vacuum_cost_delay = 0
);

-- Serving rows that got another id, in the order of it: what only the retired table holds follows them.
CREATE TABLE artwork_migration.clean_key_change (
  number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT clean_key_change_pkey PRIMARY KEY,
  old_id uuid NOT NULL,
  new_id uuid NOT NULL
);

-- Ids that left the serving table: their artworks may return under them. Read by key at every insert.
CREATE TABLE artwork_migration.clean_deleted (
  id uuid CONSTRAINT clean_deleted_pkey PRIMARY KEY
);

-- Artworks that were written through legacy_names since the switch, the transaction whose write was checked there last, and the owner that
-- the retired row got where it had none. And who used it: a row for each session, kind of call and minute.
CREATE TABLE artwork_migration.legacy_names_write (
  id uuid CONSTRAINT legacy_names_write_pkey PRIMARY KEY,
  written_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  checked_in xid8,
  filled_owner uuid
);
-- there may be many of the others when an undo or a clean-up looks for these under its locks
CREATE INDEX legacy_names_write_filled_owner_idx ON artwork_migration.legacy_names_write (id) WHERE filled_owner IS NOT NULL;
CREATE INDEX legacy_names_write_written_at_idx ON artwork_migration.legacy_names_write (written_at);

CREATE TABLE artwork_migration.legacy_names_use (
  role_name text NOT NULL,
  application_name text NOT NULL,
  kind text NOT NULL,
  used_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);
ALTER TABLE artwork_migration.legacy_names_use REPLICA IDENTITY FULL;

-- A row that stayed behind keeps its id, as it did when both were one table. If another artwork had it, the rollback would write over that
-- row and show it to the wrong customer. One plan for every call: planned for each array, it would cost an insert more than the log does.
-- An older snapshot (REPEATABLE READ) does not show that an id has left the serving table meanwhile; the key of clean_deleted knows it.
CREATE FUNCTION artwork_migration.refuse_ids_left_behind(ids uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  taken CONSTANT uuid[] := ARRAY(
    SELECT o.id FROM public.artworks_old AS o
    WHERE o.id = ANY(ids) AND NOT EXISTS (SELECT FROM artwork_migration.clean_deleted AS g WHERE g.id = o.id)
  );
  artwork_id uuid;
BEGIN
  FOREACH artwork_id IN ARRAY taken LOOP
    BEGIN
      INSERT INTO artwork_migration.clean_deleted (id) VALUES (artwork_id);
    EXCEPTION WHEN unique_violation THEN
      CONTINUE;
    END;
    RAISE EXCEPTION USING
      ERRCODE = '23505',
      MESSAGE = FORMAT('artwork %s stayed behind in the retired table; another one cannot have its id', artwork_id),
      HINT = 'Leave the id to its default.';
  END LOOP;
END
$$;

-- An insert pays for each statement here: one logs the ids and returns them, and the function above is called only for an id that the
-- retired table has.
CREATE FUNCTION artwork_migration.capture_clean() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  changed_ids uuid[];
BEGIN
  INSERT INTO artwork_migration.clean_change (ids)
  SELECT ARRAY_AGG(changed.id) FROM changed HAVING COUNT(*) > 0
  RETURNING ids INTO changed_ids;
  IF TG_OP = 'INSERT' THEN
    IF EXISTS (SELECT FROM public.artworks_old AS o WHERE o.id = ANY(changed_ids)) THEN
      PERFORM artwork_migration.refuse_ids_left_behind(changed_ids);
    END IF;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO artwork_migration.clean_deleted (id) SELECT changed.id FROM changed ON CONFLICT (id) DO NOTHING;
  END IF;
  RETURN NULL;
END
$$;

CREATE FUNCTION artwork_migration.capture_old_clean_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM artwork_migration.refuse_ids_left_behind(ARRAY[NEW.id]);
  INSERT INTO artwork_migration.clean_deleted (id) VALUES (OLD.id) ON CONFLICT (id) DO NOTHING;
  INSERT INTO artwork_migration.clean_change (ids) VALUES (ARRAY[OLD.id]);
  INSERT INTO artwork_migration.clean_key_change (old_id, new_id) VALUES (OLD.id, NEW.id);
  RETURN NULL;
END
$$;

-- What a foreign key does when a user is deleted or gets another id comes from a trigger, hence the depth.
-- A write through legacy_names passes: serve_retired brings it into the serving table, or refuses it if only the setting is that of one.
CREATE FUNCTION artwork_migration.guard_retired() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF
    CURRENT_SETTING('artwork_migration.legacy_names', TRUE) = 'on'
    AND EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = TG_RELID AND g.tgname = 'artwork_migration_serve')
  THEN
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF PG_TRIGGER_DEPTH() > 1 AND TG_LEVEL = 'ROW' THEN
    IF TG_OP = 'DELETE' THEN
      RETURN OLD;
    ELSIF TO_JSONB(NEW) - 'user_id' = TO_JSONB(OLD) - 'user_id' THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION USING
    ERRCODE = '0A000',
    MESSAGE = FORMAT('%s is retired and takes no writes: the table that serves is public.artworks', TG_RELID::regclass),
    HINT = 'Write to public.artworks. A roll-back would carry what was written there into the retired table.';
END
$$;

-- Undo:
-- Why: every id in the log was carried back and is in clean_modified from now on. The triggers were dropped before.
-- Locks: none on a table of the application; only a session that holds the serving table can hold the log.
DROP FUNCTION artwork_migration.guard_retired();
DROP FUNCTION artwork_migration.capture_old_clean_key();
DROP FUNCTION artwork_migration.capture_clean();
DROP FUNCTION artwork_migration.refuse_ids_left_behind(uuid[]);
DROP TABLE artwork_migration.legacy_names_use;
DROP TABLE artwork_migration.legacy_names_write;
DROP TABLE artwork_migration.clean_deleted;
DROP TABLE artwork_migration.clean_key_change;
DROP TABLE artwork_migration.clean_change;

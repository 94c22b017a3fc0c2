-- name: trigger_argument
-- What: a trigger gets the name of a column that goes away as its argument
CREATE FUNCTION audit_column() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE value text;
BEGIN
  EXECUTE FORMAT('SELECT ($1).%I::text', TG_ARGV[0]) INTO value USING NEW;
  RETURN NEW;
END$$;
CREATE TRIGGER artworks_audit BEFORE INSERT OR UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION audit_column('original_image_url');
-- name: trigger_names_column
-- What: a trigger's function names a column that goes away
CREATE FUNCTION no_tests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.original_image_url LIKE 'test-%' THEN NEW.pet_name := 'Test'; END IF;
  RETURN NEW;
END$$;
CREATE TRIGGER artworks_tests BEFORE INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION no_tests();
-- name: trigger_audit
-- What: a trigger inserts every update into another table, as json (an audit)
CREATE TABLE audit (at timestamptz DEFAULT NOW(), row_before jsonb, row_after jsonb);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO public.audit (row_before, row_after) VALUES (TO_JSONB(OLD), TO_JSONB(NEW));
  RETURN NULL;
END$$;
CREATE TRIGGER artworks_audit AFTER UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION audit();
-- name: trigger_changes_value
-- What: a trigger trims the pet's name
CREATE FUNCTION trim_pet() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.pet_name := BTRIM(NEW.pet_name); RETURN NEW; END$$;
CREATE TRIGGER artworks_trim BEFORE INSERT OR UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION trim_pet();
-- name: trigger_of_columns
-- What: a trigger has a condition that reads a column that goes away
CREATE FUNCTION finished() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER artworks_finished AFTER UPDATE OF generation_status ON artworks FOR EACH ROW
WHEN (OLD.generation_status IS DISTINCT FROM NEW.generation_status AND NEW.upscaled_at IS NULL) EXECUTE FUNCTION finished();
-- name: trigger_transition
-- What: a statement trigger reads the changed rows
CREATE TABLE change_count (rows bigint);
CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO public.change_count SELECT COUNT(*) FROM changed WHERE changed.pet_name IS NOT NULL;
  RETURN NULL;
END$$;
CREATE TRIGGER artworks_counted AFTER UPDATE ON artworks REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_rows();
-- name: trigger_search_path
-- What: a trigger's function finds a table by the session's search path
CREATE TABLE counters (name text PRIMARY KEY, value bigint);
INSERT INTO counters VALUES ('artworks', 0);
CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN UPDATE counters SET value = value + 1 WHERE name = 'artworks'; RETURN NULL; END$$;
CREATE TRIGGER artworks_new AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION count_new();
-- name: trigger_disabled
-- What: a trigger is disabled, another one fires always
CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER artworks_off BEFORE UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION idle();
CREATE TRIGGER artworks_always BEFORE UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION idle();
ALTER TABLE artworks DISABLE TRIGGER artworks_off;
ALTER TABLE artworks ENABLE ALWAYS TRIGGER artworks_always;
-- name: trigger_constraint
-- What: a deferred constraint trigger
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER artworks_looked AFTER INSERT OR UPDATE ON artworks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION look();
-- name: trigger_orders
-- What: a trigger on orders reads artworks
CREATE FUNCTION sold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM public.artworks AS a WHERE a.id = NEW.artwork_id AND a.generation_status = 'completed';
  RETURN NEW;
END$$;
CREATE TRIGGER orders_sold BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION sold();
-- name: trigger_order_marks_artwork
-- What: a trigger on orders updates the artwork
CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN UPDATE public.artworks SET updated_at = NOW() WHERE id = NEW.artwork_id; RETURN NULL; END$$;
CREATE TRIGGER orders_mark AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION mark();
-- name: rule_on_artworks
-- What: a rule on artworks writes a log
CREATE TABLE artwork_log (id uuid);
CREATE RULE log_artworks AS ON DELETE TO artworks DO ALSO INSERT INTO artwork_log VALUES (OLD.id);
-- name: event_trigger_rls
-- What: an event trigger enables row level security on every new table
ALTER TABLE artworks DISABLE ROW LEVEL SECURITY;
CREATE FUNCTION rls_for_all() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE created record;
BEGIN
  FOR created IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' AND schema_name = 'public' LOOP
    EXECUTE FORMAT('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', created.object_identity);
  END LOOP;
END$$;
CREATE EVENT TRIGGER rls_for_all ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION rls_for_all();
-- name: event_trigger_grants
-- What: an event trigger grants every new table to a client
CREATE FUNCTION grant_all() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE created record;
BEGIN
  FOR created IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
    EXECUTE FORMAT('GRANT SELECT ON %s TO anon', created.object_identity);
  END LOOP;
END$$;
CREATE EVENT TRIGGER grant_all ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION grant_all();
-- name: event_trigger_owner
-- What: an event trigger gives every new table to another role
GRANT CREATE ON SCHEMA public TO shop_reader;
CREATE FUNCTION own_all() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE created record;
BEGIN
  FOR created IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' AND schema_name = 'public' LOOP
    EXECUTE FORMAT('ALTER TABLE %s OWNER TO shop_reader', created.object_identity);
  END LOOP;
END$$;
CREATE EVENT TRIGGER own_all ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION own_all();
-- name: event_trigger_forbids
-- What: an event trigger forbids to drop a table
CREATE FUNCTION no_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() AS d WHERE d.object_type = 'table' AND d.schema_name = 'public') THEN
    RAISE EXCEPTION 'tables are not dropped here';
  END IF;
END$$;
CREATE EVENT TRIGGER no_drop ON sql_drop EXECUTE FUNCTION no_drop();
-- name: event_trigger_forbids_rename
-- What: an event trigger forbids to rename a table
CREATE FUNCTION no_rename() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_query() ILIKE '%RENAME TO%' THEN RAISE EXCEPTION 'tables are not renamed here'; END IF;
END$$;
CREATE EVENT TRIGGER no_rename ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION no_rename();
-- name: trigger_other_argument
-- What: a trigger has an argument that is no column
CREATE FUNCTION channel() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM PG_NOTIFY(TG_ARGV[0], NEW.id::text); RETURN NULL; END$$;
CREATE TRIGGER artworks_channel AFTER INSERT OR UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION channel('portraits');

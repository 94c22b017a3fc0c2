-- name: view_of_star
-- What: a view selects every column (SELECT *)
CREATE VIEW everything AS SELECT * FROM artworks;
-- name: view_chain
-- What: views on views on artworks
CREATE VIEW first_view AS SELECT id, pet_name, created_at FROM artworks;
CREATE VIEW second_view AS SELECT id, pet_name FROM first_view;
CREATE MATERIALIZED VIEW third_view AS SELECT COUNT(*) AS artworks FROM second_view;
-- name: view_whole_row
-- What: a view has the whole row as a value
CREATE VIEW rows_of_artworks AS SELECT a.id, TO_JSONB(a) AS whole FROM artworks AS a;
-- name: recursive_view
-- What: a view with a window, a lateral join and a security barrier
CREATE VIEW ranked WITH (security_barrier) AS
SELECT a.id, a.pet_name, ROW_NUMBER() OVER (PARTITION BY a.customer_email ORDER BY a.created_at) AS place
FROM artworks AS a CROSS JOIN LATERAL (SELECT COUNT(*) FROM orders AS o WHERE o.artwork_id = a.id) AS n;
-- name: atomic_function
-- What: a function with a bound body reads artworks
CREATE FUNCTION finished_artworks() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC
SELECT COUNT(*) FROM artworks WHERE generation_status = 'completed'; END;
-- name: rowtype_function
-- What: a function takes a row of artworks
CREATE FUNCTION label(artwork artworks) RETURNS text LANGUAGE sql STABLE AS 'SELECT artwork.pet_name';
-- name: setof_function
-- What: a function returns rows of artworks
CREATE FUNCTION newest() RETURNS SETOF artworks LANGUAGE sql STABLE AS 'SELECT * FROM public.artworks ORDER BY created_at DESC LIMIT 3';
-- name: composite_column
-- What: a table has a column of the type artworks
CREATE TABLE snapshots (id bigserial, artwork artworks);
-- name: inherits
-- What: a table inherits from artworks
CREATE TABLE artworks_archive () INHERITS (artworks);
-- name: partitioned
-- What: artworks is partitioned
ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey;
DROP MATERIALIZED VIEW artwork_sales;
DROP VIEW artwork_gallery;
DROP POLICY "Users view own orders" ON orders;
ALTER TABLE artworks RENAME TO artworks_0;
CREATE TABLE artworks (LIKE artworks_0 INCLUDING DEFAULTS) PARTITION BY HASH (id);
ALTER TABLE artworks ATTACH PARTITION artworks_0 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
ALTER TABLE artworks OWNER TO shop_owner;
-- name: publication_columns
-- What: a publication with columns and a row filter
CREATE PUBLICATION feed FOR TABLE artworks (id, pet_name) WHERE (id IS NOT NULL);
-- name: publication_all
-- What: a publication FOR ALL TABLES (logical replication)
CREATE PUBLICATION of_all FOR ALL TABLES;
-- name: replica_identity
-- What: artworks has the replica identity FULL
ALTER TABLE artworks REPLICA IDENTITY FULL;
-- name: statistics_object
-- What: extended statistics and a statistics target
CREATE STATISTICS artworks_together ON customer_email, pet_name FROM artworks;
ALTER TABLE artworks ALTER pet_name SET STATISTICS 500;
-- name: comments
-- What: comments with quotes and other scripts
COMMENT ON TABLE artworks IS 'It''s the "shop''s" $$ table – 画';
COMMENT ON COLUMN artworks.pet_name IS E'back\\slash';
-- name: partial_and_other_indexes
-- What: partial, expression, hash and BRIN indexes
CREATE INDEX artworks_partial ON artworks (created_at) WHERE generation_status = 'pending';
CREATE INDEX artworks_lower ON artworks (LOWER(customer_email)) INCLUDE (pet_name);
CREATE INDEX artworks_hash ON artworks USING hash (pet_name);
CREATE INDEX artworks_brin ON artworks USING brin (created_at);
-- name: storage
-- What: storage parameters, an unlogged table beside it, another storage of a column
ALTER TABLE artworks SET (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE artworks ALTER mockup_urls SET STORAGE EXTERNAL;
-- name: name_taken_view
-- What: a view is called artworks_old
CREATE VIEW artworks_old AS SELECT 1 AS one;
-- name: name_taken_function
-- What: the application has a function create_artwork
CREATE FUNCTION create_artwork(name text) RETURNS text LANGUAGE sql AS 'SELECT name';
-- name: name_taken_schema
-- What: a schema is called artwork_migration
CREATE SCHEMA artwork_migration;
CREATE TABLE artwork_migration.notes (note text);
-- name: other_tool
-- What: another migration tool left a trigger
CREATE FUNCTION _pgroll_work() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER _pgroll_trigger_artworks_pet BEFORE UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION _pgroll_work();
-- name: schema_migrations
-- What: a table of the application's migrations
CREATE TABLE schema_migrations (version text PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20260101');
-- name: new_index_after_switch
-- What: an index is created
-- At: switched
CREATE INDEX artworks_later ON artworks (customer_name);
-- name: new_view_after_switch
-- What: a new view reads artworks
-- At: switched
-- Words: DROP VIEW IF EXISTS later_view
CREATE VIEW later_view AS SELECT id, pet_mom_image_url FROM artworks;
REVOKE ALL ON later_view FROM anon, authenticated, service_role;
-- name: new_reference_after_switch
-- What: a new table references artworks
-- At: switched
-- Words: DROP TABLE IF EXISTS later_table
CREATE TABLE later_table (artwork_id uuid REFERENCES artworks);
-- name: column_after_deploy
-- What: a column is added to artworks
-- At: deployed
-- Words: ALTER TABLE artworks DROP COLUMN IF EXISTS later
ALTER TABLE artworks ADD COLUMN later text;
-- name: view_after_deploy
-- What: a view is created
-- At: deployed
CREATE VIEW later_view AS SELECT id, pet_name FROM artworks;
REVOKE ALL ON later_view FROM anon, authenticated, service_role;
-- name: trigger_after_deploy
-- What: a trigger is created
-- At: deployed
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.pet_name := COALESCE(NEW.pet_name, 'Rex'); RETURN NEW; END$$;
CREATE TRIGGER artworks_later BEFORE INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION later();
-- name: capture_disabled
-- What: somebody disables all triggers of artworks
-- At: deployed
-- Words: DO $$DECLARE t record; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'artworks'::regclass AND NOT tgisinternal LOOP EXECUTE FORMAT('ALTER TABLE artworks ENABLE %s TRIGGER %I', CASE WHEN t.tgname ILIKE 'artwork_migration%' THEN 'ALWAYS' ELSE '' END, t.tgname); END LOOP; END$$
ALTER TABLE artworks DISABLE TRIGGER USER;
-- name: materialized_view
-- What: a materialized view counts artworks by status
CREATE MATERIALIZED VIEW by_status AS SELECT generation_status, COUNT(*) AS amount FROM artworks GROUP BY generation_status;
CREATE UNIQUE INDEX by_status_key ON by_status (generation_status);
-- name: foreign_table
-- What: a foreign table stands beside artworks
CREATE EXTENSION postgres_fdw;
CREATE SERVER warehouse FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE prints (artwork_id uuid, printed_at timestamptz) SERVER warehouse;

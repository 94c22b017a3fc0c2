"""One dependent of artworks of each kind: the statement that creates it, and how the plans must list it."""

#: name: (statement, kind, object, what its action says). These are recreated, carried over or stay; none of them blocks the switch.
KEPT: dict[str, tuple[str, str, str, str]] = {
    "a key": (
        "CREATE TABLE gifts (artwork_id uuid CONSTRAINT gifts_artwork REFERENCES artworks ON DELETE SET NULL DEFERRABLE)",
        "foreign keys",
        "key gifts_artwork on public.gifts",
        "ON DELETE SET NULL DEFERRABLE",
    ),
    "a view": ("CREATE VIEW named AS SELECT id, pet_name FROM artworks", "views", "view public.named", "recreated at the switch"),
    "a view on it": ("CREATE VIEW counted AS SELECT COUNT(*) FROM named", "views on views", "view public.counted", "stays as it is"),
    "a materialized view on it": (
        "CREATE MATERIALIZED VIEW kept AS SELECT id FROM counted, named",
        "views on views",
        "materialized view public.kept",
        "from its next refresh",
    ),
    "a materialized view": (
        "CREATE MATERIALIZED VIEW sales AS SELECT id, created_at FROM artworks",
        "materialized views",
        "materialized view public.sales",
        "swaps the names",
    ),
    "a policy of another table": (
        "CREATE POLICY of_artworks ON orders USING (EXISTS (SELECT FROM artworks AS a WHERE a.id = artwork_id))",
        "policies",
        "policy of_artworks on public.orders",
        "recreated at the switch",
    ),
    "a policy of its own": (
        "CREATE POLICY mine ON artworks FOR SELECT USING (user_id IS NULL)",
        "own policies",
        "policy mine",
        "created on the clean table at deploy-schema",
    ),
    "a publication": (
        "CREATE PUBLICATION feed FOR TABLE artworks (id, pet_name) WHERE (id IS NOT NULL) WITH (publish = 'insert')",
        "publications",
        "publication feed",
        "columns and row filter",
    ),
    "a publication of a schema": (
        "CREATE PUBLICATION of_public FOR TABLES IN SCHEMA public",
        "publications of everything",
        "of_public",
        "with every copied row",
    ),
    "a publication of everything": (
        "CREATE PUBLICATION of_all FOR ALL TABLES",
        "publications of everything",
        "of_all",
        "with every copied row",
    ),
    "its replica identity": (
        "ALTER TABLE artworks REPLICA IDENTITY FULL",
        "replica identity",
        "replica identity of public.artworks",
        "gets it at the switch",
    ),
    "a trigger": (
        "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER hook AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION hook();"
        "ALTER TABLE artworks ENABLE REPLICA TRIGGER hook",
        "triggers",
        "trigger hook",
        "in its state (ENABLE REPLICA)",
    ),
    "a constraint trigger": (
        "CREATE CONSTRAINT TRIGGER checked AFTER INSERT ON artworks DEFERRABLE FOR EACH ROW EXECUTE FUNCTION hook()",
        "triggers",
        "trigger checked",
        "in its state (ENABLE)",
    ),
    "a trigger for updated_at": ("SELECT 1", "triggers", "trigger update_artworks_updated_at", "stays with the retired table"),
    "an event trigger": (
        "CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION seen()",
        "event triggers",
        "watch",
        "for each CREATE TABLE at deploy-schema",
    ),
    "an event trigger that is off": (
        "CREATE EVENT TRIGGER off ON sql_drop EXECUTE FUNCTION seen(); ALTER EVENT TRIGGER off DISABLE",
        "event triggers",
        "off",
        "disabled",
    ),
    "a function by name": (
        "CREATE SCHEMA shop; CREATE FUNCTION shop.by_name() RETURNS bigint LANGUAGE plpgsql"
        " AS 'DECLARE one public.artworks%ROWTYPE; BEGIN RETURN (SELECT COUNT(*) FROM public.artworks); END'",
        "functions by name",
        "shop.by_name()",
        "works on the clean table from the switch on",
    ),
    "a procedure that names what is gone": (
        "CREATE PROCEDURE shop.mend() LANGUAGE sql AS 'UPDATE artworks SET mockup_urls = NULL WHERE original_image_url IS NULL'",
        "functions by name",
        "shop.mend()",
        "names original_image_url, mockup_urls, which the clean table does not have",
    ),
    "a comment": ("COMMENT ON TABLE artworks IS 'Portraits'", "table", "comment on the table", "gets it at deploy-schema"),
    "its owner": ("SELECT 1", "table", "owner ", "gets it at deploy-schema"),
    "row level security": ("SELECT 1", "table", "row level security", "gets it at deploy-schema"),
    "a storage parameter": (
        "ALTER TABLE artworks SET (fillfactor = 70, toast.autovacuum_vacuum_threshold = 9)",
        "table",
        "storage parameter fillfactor=70",
        "gets it at deploy-schema",
    ),
    "one of its toast table": (
        "SELECT 1",
        "table",
        "storage parameter toast.autovacuum_vacuum_threshold=9",
        "gets it at deploy-schema",
    ),
    "an index to cluster by": (
        "CLUSTER artworks USING idx_artworks_user_id",
        "table",
        "CLUSTER by public.idx_artworks_user_id",
        "stays with the retired table",
    ),
    "a security label": (
        "SET allow_system_table_mods = on;"
        "INSERT INTO pg_seclabel VALUES ('artworks'::regclass, 'pg_class'::regclass, 0, 'guard', 'secret')",
        "table",
        "security label of guard on table public.artworks",
        "by hand",
    ),
    "a grant": ("SELECT 1", "grants", "to service_role: ", "given on the clean table"),
    "a grant on a column": ("SELECT 1", "grants", "on column pet_name to anon: SELECT", "given on the clean column"),
    "a grant on a column that is gone": (
        "GRANT SELECT (mockup_urls) ON artworks TO anon",
        "grants",
        "on column mockup_urls to anon: SELECT",
        "stays with the retired table",
    ),
    "a statistics target": (
        "ALTER TABLE artworks ALTER customer_email SET STATISTICS 500",
        "columns",
        "statistics target 500 of column customer_email",
        "the clean column gets it at deploy-schema",
    ),
    "options of a column": (
        "ALTER TABLE artworks ALTER original_pet_url SET (n_distinct = 77)",
        "columns",
        "options n_distinct=77 of column original_pet_url",
        "the clean column gets it at deploy-schema",
    ),
    "storage of a column": (
        "ALTER TABLE artworks ALTER generated_image_url SET STORAGE EXTERNAL",
        "columns",
        "storage EXTERNAL of column generated_image_url",
        "the clean column gets it at deploy-schema",
    ),
    "compression of a column": (
        "ALTER TABLE artworks ALTER pet_name SET COMPRESSION pglz",
        "columns",
        "compression pglz of column pet_name",
        "the clean column gets it at deploy-schema",
    ),
    "a comment on a column": ("SELECT 1", "columns", "comment on column upscale_status", "the clean column gets it at deploy-schema"),
    "a comment on a column that is gone": ("SELECT 1", "columns", "comment on column mockup_urls", "stays with the retired table"),
    "a default": ("SELECT 1", "rules", "default of column created_at", "stays with the retired table; the clean column has its own"),
    "a default of the application's": (
        "CREATE FUNCTION price() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        'ALTER TABLE artworks ADD COLUMN "price (net)" int DEFAULT price()',
        "columns",
        'default of column "price (net)"',
        "stays with the retired table",
    ),
    "a generated column": (
        "ALTER TABLE artworks ADD COLUMN label text GENERATED ALWAYS AS (customer_name || pet_name) STORED",
        "columns",
        "generated column label",
        "stays with the retired table",
    ),
    "an identity": (
        "ALTER TABLE artworks ADD COLUMN number int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME of_number)",
        "columns",
        "identity of column number",
        "stays with the retired table",
    ),
    "its sequence": ("SELECT 1", "columns", "sequence public.of_number of column number", "goes at clean-up"),
    "a primary key": ("SELECT 1", "constraints", "primary key artworks_pkey", "the clean table has its own"),
    "the key to users": ("SELECT 1", "constraints", "key to users artworks_user_id_fkey", "the clean table has its own"),
    "the tokens' key": ("SELECT 1", "constraints", "unique key artworks_access_token_key", "the clean table has its own"),
    "another unique key": (
        "ALTER TABLE artworks ADD CONSTRAINT one_a_moment UNIQUE (customer_email, created_at)",
        "constraints",
        "unique key one_a_moment",
        "the clean table has none like it",
    ),
    "a check": (
        "ALTER TABLE artworks ADD CONSTRAINT no_nameless CHECK (pet_name <> '' OR artworks IS NOT NULL)",
        "rules",
        "check no_nameless",
        "⚠ it reads a column that the clean table does not have",
    ),
    "a check that holds on the clean side": (
        "ALTER TABLE artworks ADD CONSTRAINT \"No 'x'\" CHECK (pet_name <> 'x')",
        "rules",
        "check \"No 'x'\"",
        "the clean table gets it at deploy-schema",
    ),
    "NOT NULL": ("SELECT 1", "rules", "NOT NULL of column customer_name", "the clean table gets it at deploy-schema"),
    "an exclusion": (
        "ALTER TABLE artworks ADD CONSTRAINT apart EXCLUDE (pet_name WITH =) WHERE (FALSE)",
        "constraints",
        "exclusion apart",
        "the clean table has none like it",
    ),
    "an index": (
        "SELECT 1",
        "indexes",
        "public.idx_artworks_customer_email (btree (customer_email))",
        "covered by artworks_v2_customer_email_created_at_idx of the clean one",
    ),
    "an index on what waits": (
        "SELECT 1",
        "indexes",
        "public.idx_artworks_upscale_status",
        "of the clean one for what is pending or processing",
    ),
    "an index that no clean one begins like": (
        "CREATE INDEX by_name ON artworks (customer_email, customer_name)",
        "indexes",
        "public.by_name (btree (customer_email, customer_name))",
        "⚠ stays with the retired table",
    ),
    "an index of an expression": (
        "CREATE UNIQUE INDEX by_lower ON artworks (LOWER(access_token)) WHERE access_token IS NOT NULL",
        "indexes",
        "public.by_lower (btree (lower(access_token)) WHERE (access_token IS NOT NULL))",
        "make it on artworks_v2 after migrate-data; ⚠ what it kept unique is free in the clean one",
    ),
    "a statistics object": (
        "CREATE STATISTICS together ON customer_email, customer_name FROM artworks",
        "statistics objects",
        "public.together",
        "stays with the retired table",
    ),
    "a job": (
        "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigint, command text);"
        "INSERT INTO cron.job VALUES (7, 'DELETE FROM artworks'), (8, 'DELETE FROM orders')",
        "jobs",
        "pg_cron job 7",
        "follows the name",
    ),
}

#: name: (statement, kind, object, what its problem says). Each of these blocks the switch.
BLOCKING: dict[str, tuple[str, str, str, str]] = {
    "a bound function": (
        "CREATE FUNCTION bound() RETURNS bigint BEGIN ATOMIC SELECT COUNT(*) FROM artworks; END",
        "unknown dependent",
        "function public.bound()",
        "bound to the table",
    ),
    "a function of the row type": (
        "CREATE FUNCTION first() RETURNS SETOF artworks LANGUAGE sql AS 'SELECT * FROM artworks'",
        "unknown dependent",
        "function public.first()",
        "row type",
    ),
    "an aggregate of the row type": (
        "CREATE FUNCTION add(bigint, artworks) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + 1';"
        "CREATE AGGREGATE tally (artworks) (SFUNC = add, STYPE = bigint)",
        "unknown dependent",
        "function public.tally(public.artworks)",
        "row type",
    ),
    "a domain of the row type": (
        "CREATE DOMAIN any_artwork AS artworks",
        "unknown dependent",
        "type public.any_artwork",
        "row type",
    ),
    "a composite type": ("CREATE TYPE pair AS (one artworks)", "unknown dependent", "composite type public.pair", "row type"),
    "a column of the row type": (
        "CREATE TABLE copies (artwork artworks, more artworks[])",
        "unknown dependent",
        "table public.copies",
        "row type",
    ),
    "a cast": (
        "CREATE FUNCTION as_id(artworks) RETURNS uuid LANGUAGE sql AS 'SELECT $1.id'; CREATE CAST (artworks AS uuid) WITH FUNCTION as_id",
        "unknown dependent",
        "cast from public.artworks to uuid",
        "row type",
    ),
    "an operator": (
        "CREATE FUNCTION same(artworks, artworks) RETURNS bool LANGUAGE sql AS 'SELECT $1.id = $2.id';"
        "CREATE OPERATOR === (LEFTARG = artworks, RIGHTARG = artworks, FUNCTION = same)",
        "unknown dependent",
        "operator public.===(public.artworks,public.artworks)",
        "row type",
    ),
    "a view of whole rows": (
        "CREATE VIEW whole AS SELECT a AS artwork FROM artworks AS a",
        "unknown dependent",
        "view public.whole",
        "row type",
    ),
    "a rule": ("CREATE RULE nothing AS ON DELETE TO artworks DO ALSO NOTHING", "unknown dependent", "rule nothing on artworks", "rules"),
    "a key to itself": (
        "ALTER TABLE artworks ADD COLUMN parent uuid CONSTRAINT of_parent REFERENCES artworks",
        "unknown dependent",
        "key of_parent on artworks",
        "references itself",
    ),
    "a key to another table": (
        "CREATE TABLE products (id uuid PRIMARY KEY);"
        "ALTER TABLE artworks ADD COLUMN product_id uuid CONSTRAINT of_product REFERENCES products ON DELETE SET NULL",
        "unknown dependent",
        "key of_product on artworks",
        "it references public.products",
    ),
    "a second key to users": (
        "ALTER TABLE artworks ADD COLUMN made_by uuid CONSTRAINT of_maker REFERENCES users",
        "unknown dependent",
        "key of_maker on artworks",
        "it references public.users",
    ),
    "a trigger of another table": (
        "CREATE CONSTRAINT TRIGGER after_gift AFTER INSERT ON gifts FROM artworks FOR EACH ROW EXECUTE FUNCTION hook()",
        "unknown dependent",
        "trigger after_gift on table public.gifts",
        "would go with the retired table",
    ),
    "a view of a column that is gone": (
        "CREATE VIEW originals AS SELECT original_image_url FROM artworks",
        "views",
        "view public.originals",
        "it reads original_image_url",
    ),
    "a policy that reads one": (
        "CREATE POLICY of_mockups ON orders USING (EXISTS (SELECT FROM artworks AS a WHERE a.mockup_urls IS NOT NULL))",
        "policies",
        "policy of_mockups on public.orders",
        "it reads mockup_urls",
    ),
    "a publication that names one": (
        "CREATE PUBLICATION of_mockups FOR TABLE artworks (id, mockup_urls)",
        "publications",
        "publication of_mockups",
        "it names mockup_urls",
    ),
    "a trigger that names one": (
        "CREATE FUNCTION names() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM NEW.mockup_urls; RETURN NEW; END';"
        "CREATE TRIGGER names AFTER UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION names()",
        "triggers",
        "trigger names",
        "it names mockup_urls",
    ),
    "a materialized view of one": (
        "CREATE MATERIALIZED VIEW mockups AS SELECT mockup_urls FROM artworks",
        "materialized views",
        "materialized view public.mockups",
        "it reads mockup_urls",
    ),
    "a key of a partitioned table": (
        "CREATE TABLE looks (artwork_id uuid CONSTRAINT of_look REFERENCES artworks) PARTITION BY HASH (artwork_id);"
        "CREATE TABLE looks_all PARTITION OF looks FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        "foreign keys",
        "key of_look on public.looks",
        "its table is partitioned",
    ),
}

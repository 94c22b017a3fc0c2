"""One of each kind of thing that hangs on artworks and blocks the switch: the statement that makes it, and how the plans must list it."""

#: name: (statement, kind, object, what its problem says).
BLOCKS: dict[str, tuple[str, str, str, str]] = {
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
        "it leads to public.products",
    ),
    "a second key to users": (
        "ALTER TABLE artworks ADD COLUMN made_by uuid CONSTRAINT of_maker REFERENCES users",
        "unknown dependent",
        "key of_maker on artworks",
        "it leads to public.users",
    ),
    "a trigger of another table": (
        "CREATE CONSTRAINT TRIGGER after_gift AFTER INSERT ON gifts FROM artworks FOR EACH ROW EXECUTE FUNCTION hook()",
        "unknown dependent",
        "trigger after_gift on public.gifts",
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
        "user triggers",
        "trigger names",
        "it names mockup_urls",
    ),
    "a materialized view of one": (
        "CREATE MATERIALIZED VIEW mockups AS SELECT mockup_urls FROM artworks",
        "materialized view twins",
        "twin of materialized view public.mockups",
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

"""Dependents of artworks are recreated in both directions, or they block the plan, also when they appear or change after the plan."""

from itertools import cycle, product

import psycopg
import pytest

from migration.errors import DependentsChanged, NewBlocker
from migration.ledger.phases import Verb
from tests.artworks import add_legacy
from tests.conftest import MakeShop
from tests.databases import Shop, catch_up_now, execute_switch, planned_roll_back, planned_switch, roll_back, switch
from tests.directions import DIRECTIONS, Direction
from tests.series import LONG, first, series

BLOCKERS = {
    "rejected_write": "INSERT INTO artwork_migration.rejected_write (id, operation, sql_state, object)"
    " VALUES (GEN_RANDOM_UUID(), 'UPDATE', '23502', 'artworks')",
    "referenced_absent": "ALTER TABLE artworks DISABLE TRIGGER USER; ALTER TABLE orders DISABLE TRIGGER USER;"
    " INSERT INTO orders (artwork_id, stripe_session_id, amount_cents)"
    " SELECT id, 'cs_test', 1 FROM artworks WHERE original_image_url LIKE 'test-%%' LIMIT 1",
    "unknown_dependent": "CREATE FUNCTION bound() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT COUNT(*) FROM artworks; END",
    "access_drift": "CREATE POLICY more ON artworks FOR SELECT USING (pet_name = 'Rex')",
    "user_key_action": "ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES users (id)",
    "name_taken": "CREATE TABLE artworks_old ()",
    "foreign_keys": "CREATE TABLE gifts (artwork_id uuid REFERENCES artworks (id))",
    "views": "CREATE VIEW originals AS SELECT original_image_url FROM artworks",
    "policies": "CREATE POLICY more ON orders USING (EXISTS (SELECT FROM artworks AS a WHERE a.mockup_urls IS NOT NULL))",
    "publications": "CREATE PUBLICATION other FOR TABLE artworks (id, original_image_url)",
    "triggers": "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM NEW.mockup_urls; RETURN NEW; END$$;"
    "CREATE TRIGGER hook AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION hook()",
    "materialized_views": "CREATE MATERIALIZED VIEW originals AS SELECT original_image_url FROM artworks",
    "the name of a materialized view": "CREATE TABLE artwork_sales_old ()",
    "rules": "CREATE RULE nothing AS ON DELETE TO artworks DO ALSO NOTHING",
    "row types": "CREATE TABLE copies (artwork artworks)",
    "partitioned references": "CREATE TABLE gifts (artwork_id uuid REFERENCES artworks (id)) PARTITION BY HASH (artwork_id);"
    "CREATE TABLE gifts_all PARTITION OF gifts FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
    "functions of the row type": "CREATE FUNCTION first() RETURNS artworks LANGUAGE sql AS 'SELECT * FROM artworks LIMIT 1'",
}
#: The rule of the blocker, where it has another name.
RULE = {
    "the name of a materialized view": "materialized_views",
    "rules": "unknown_dependent",
    "row types": "unknown_dependent",
    "functions of the row type": "unknown_dependent",
    "partitioned references": "foreign_keys",
}


@pytest.mark.parametrize("name", BLOCKERS)
@first(4)
def test_what_cannot_be_recreated_blocks_the_plan(migrated: Shop, name: str) -> None:
    """A dependent that the switch cannot recreate is a blocker of the plan, which names the object, the problem and the fix."""
    migrated.sql.execute(BLOCKERS[name].replace("%%", "%"))  # type: ignore[call-overload]  # made of this test's own names
    found = planned_switch(migrated).blockers
    assert RULE.get(name, name) in {blocker.rule for blocker in found}
    assert all(blocker.remedy and blocker.subject and blocker.problem for blocker in found)


#: What is changed between the plan and the locks, and how; each thing is there before the plan.
CHANGED = {
    "a view": (
        "SELECT 1",
        "CREATE OR REPLACE VIEW artwork_gallery WITH (security_invoker = true)"
        " AS SELECT id, pet_name, generated_image_url, created_at FROM artworks WHERE generation_status <> 'failed'",
    ),
    "a view's options": ("SELECT 1", "ALTER VIEW artwork_gallery SET (security_barrier = true)"),
    "a policy": (
        "SELECT 1",
        'ALTER POLICY "Users view own orders" ON orders USING (EXISTS (SELECT FROM artworks AS a WHERE a.id = artwork_id))',
    ),
    "a trigger's state": (
        "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER hook AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION hook()",
        "ALTER TABLE artworks DISABLE TRIGGER hook",
    ),
    "a publication": ("SELECT 1", "ALTER PUBLICATION supabase_realtime SET TABLE artworks WHERE (pet_name = 'Rex')"),
    "a key": ("SELECT 1", "ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey"),
    "one more view": ("SELECT 1", "CREATE VIEW late AS SELECT id FROM artworks"),
    "the key to users": (
        "SELECT 1",
        "ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE",
    ),
}


@first(1)
@pytest.mark.parametrize(
    ("name", "verb"), series(product(CHANGED, DIRECTIONS), set(zip(CHANGED, cycle(DIRECTIONS), strict=False))), ids=str
)
def test_a_dependent_that_changes_after_the_plan_stops_both_directions(migrated: Shop, name: str, verb: Verb) -> None:
    """A dependent that appears or changes between the plan and its locks stops the plan, and nothing is changed."""
    there_before, change = CHANGED[name]
    migrated.sql.execute(there_before)  # type: ignore[call-overload]  # made of this test's own names
    direction = Direction.ready(migrated, verb)
    phase, made = direction.phase(), direction.plan()
    migrated.sql.execute(change)  # type: ignore[call-overload]  # as above
    before = migrated.schema_dump()
    with pytest.raises(NewBlocker):
        direction.do(made)
    assert (phase, before) == (direction.phase(), migrated.schema_dump())


#: What somebody creates, drops or changes beside the switch, and what its message says.
BESIDE = {
    "an index": ("CREATE INDEX late ON artworks (pet_name)", "index public.late was created"),
    "a view": ("CREATE VIEW late AS SELECT id FROM artworks", "view public.late was created"),
    "a view that is dropped": ("DROP VIEW artwork_gallery", "view public.artwork_gallery was dropped"),
}


@LONG
@pytest.mark.parametrize("name", BESIDE)
def test_what_was_changed_beside_a_verb_is_named(migrated: Shop, name: str) -> None:
    """An object that is created or dropped beside a verb ends it with the object's name, and the next plan, which is not blocked, runs."""
    change, named = BESIDE[name]
    with pytest.raises(DependentsChanged) as caught:
        execute_switch(migrated, meanwhile=lambda: migrated.sql.execute(change))  # type: ignore[arg-type]  # this test's own names
    assert named in caught.value.changes
    assert f"Why: objects changed after it was made: {'; '.join(caught.value.changes)}." in str(caught.value)
    outdated = planned_switch(migrated)
    assert () == outdated.blockers
    execute_switch(migrated, outdated)


CHANGED_SINCE = {
    "view public.artwork_gallery": "CREATE OR REPLACE VIEW artwork_gallery WITH (security_invoker = true)"
    " AS SELECT id, pet_name, generated_image_url, created_at, customer_name FROM artworks",
    'policy "Users view own orders" on public.orders': 'ALTER POLICY "Users view own orders" ON orders'
    " USING (EXISTS (SELECT FROM artworks AS a WHERE a.id = artwork_id))",
    "publication supabase_realtime": "ALTER PUBLICATION supabase_realtime SET TABLE artworks (id, pet_name) WHERE (id IS NOT NULL)",
    "key orders_artwork_id_fkey on public.orders": "ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey;"
    "ALTER TABLE orders ADD CONSTRAINT orders_artwork_id_fkey FOREIGN KEY (artwork_id) REFERENCES artworks ON DELETE RESTRICT",
    "twin of materialized view public.artwork_sales": "DROP MATERIALIZED VIEW artwork_sales;"
    "CREATE MATERIALIZED VIEW artwork_sales AS SELECT id FROM artworks",
}


@LONG
@pytest.mark.parametrize("subject", CHANGED_SINCE)
def test_a_dependent_that_was_altered_since_the_switch_blocks_the_rollback(migrated: Shop, subject: str) -> None:
    """A dependent that was altered after the switch blocks the rollback, which would restore its old definition unnoticed."""
    switch(migrated)
    assert () == planned_roll_back(migrated).blockers
    migrated.sql.execute(CHANGED_SINCE[subject])  # type: ignore[call-overload]  # made of this test's own names
    assert subject in {blocker.subject for blocker in planned_roll_back(migrated).blockers if blocker.rule == "changed_dependent"}


# What is recreated

VIEWS = (
    "CREATE VIEW named (number, called) AS SELECT id, pet_name FROM artworks",
    "CREATE VIEW checked AS SELECT id, pet_name FROM artworks WHERE pet_name <> '' WITH LOCAL CHECK OPTION",
    "CREATE VIEW behind_a_barrier WITH (security_barrier = true) AS SELECT id, customer_email FROM artworks WHERE pet_name = 'Rex'",
    "CREATE VIEW on_a_view AS SELECT n.called, c.id FROM named AS n JOIN checked AS c ON c.id = n.number",
    "CREATE VIEW on_both AS SELECT o.called, a.created_at FROM on_a_view AS o JOIN artworks AS a USING (id)",
    "CREATE VIEW counted AS SELECT a.id, a.pet_name, COUNT(o.id) AS orders FROM artworks AS a LEFT JOIN orders AS o ON o.artwork_id = a.id"
    " GROUP BY a.id",
    "COMMENT ON VIEW named IS 'as it is'; GRANT SELECT (called) ON named TO anon; ALTER VIEW named ALTER COLUMN called SET DEFAULT 'Rex'",
)


def test_views_of_all_kinds_are_recreated_in_both_directions(migrated: Shop) -> None:
    """Views with aliases, check options, barriers, defaults, grants or views below them read the serving table and are what they were."""
    for view in VIEWS:
        migrated.sql.execute(view)  # type: ignore[call-overload]  # made of this test's own names
    before = migrated.schema_dump()
    switch(migrated)
    assert () == planned_roll_back(migrated).blockers
    artwork = migrated.value("SELECT id FROM artworks LIMIT 1")
    migrated.sql.execute("UPDATE named SET called = 'through the view' WHERE number = %s", (artwork,))
    assert migrated.value("SELECT COUNT(*) FROM on_both WHERE called = 'through the view'") == 1
    with pytest.raises(psycopg.errors.WithCheckOptionViolation):
        migrated.sql.execute("UPDATE checked SET pet_name = '' WHERE id = %s", (artwork,))
    roll_back(migrated)
    assert migrated.value("SELECT COUNT(*) FROM on_both WHERE called = 'through the view'") == 1
    assert before == migrated.schema_dump()


@LONG
def test_privileges_on_columns_of_a_materialized_view_are_carried_over(migrated: Shop) -> None:
    """A role that may read one column of a materialized view may read exactly that column after the switch."""
    migrated.sql.execute("REVOKE ALL ON artwork_sales FROM anon, authenticated; GRANT SELECT (day) ON artwork_sales TO anon")
    before = migrated.schema_dump()
    switch(migrated)
    readable = (
        "SELECT attname FROM pg_attribute WHERE attrelid = 'artwork_sales'::regclass AND attnum > 0"
        " AND HAS_COLUMN_PRIVILEGE('anon', attrelid, attnum, 'SELECT')"
    )
    assert [("day",)] == migrated.rows(readable)
    roll_back(migrated)
    assert before == migrated.schema_dump()


@LONG
def test_a_policy_on_a_partitioned_table_is_recreated(migrated: Shop) -> None:
    """A policy on a partitioned table reads the serving table after the switch, and the partitions are as they were."""
    migrated.sql.execute(
        "CREATE TABLE looks (artwork_id uuid) PARTITION BY HASH (artwork_id);"
        "CREATE TABLE looks_all PARTITION OF looks FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
        "ALTER TABLE looks ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY of_rex ON looks USING (EXISTS (SELECT FROM artworks AS a WHERE a.id = artwork_id AND a.pet_name = 'Rex'))"
    )
    before = migrated.schema_dump()
    switch(migrated)
    reads = (
        "SELECT COUNT(*) FROM pg_depend WHERE classid = 'pg_policy'::regclass AND refobjid = %s::regclass"
        " AND objid = (SELECT oid FROM pg_policy WHERE polname = 'of_rex')"
    )
    assert (True, False) == (migrated.value(reads, "artworks") > 0, migrated.value(reads, "artworks_old") > 0)
    roll_back(migrated)
    assert before == migrated.schema_dump()


@pytest.mark.parametrize("scope", series(["ALL TABLES", "TABLES IN SCHEMA public"], {"ALL TABLES"}))
def test_a_publication_of_everything_stops_no_write(migrated: Shop, scope: str) -> None:
    """Our tables have a replica identity, so a publication of everything stops neither the application nor the switch nor the rollback."""
    migrated.sql.execute(f"CREATE PUBLICATION everything FOR {scope}")  # type: ignore[call-overload]  # made of this test's own names
    before = migrated.schema_dump()
    artwork = add_legacy(migrated)
    switch(migrated)
    assert migrated.sql.execute("UPDATE artworks SET pet_name = 'Rex' WHERE id = %s", (artwork,)).rowcount == 1
    roll_back(migrated)
    catch_up_now(migrated)
    assert before == migrated.schema_dump()


def test_a_subscription_that_writes_into_artworks_blocks_the_plan(make_shop: MakeShop) -> None:
    """A subscription finds the table by its name and would write legacy rows into the clean one, so it blocks the switch."""
    publisher, shop = make_shop(phase="MIGRATED"), make_shop(phase="MIGRATED")
    publisher.sql.execute("CREATE PUBLICATION elsewhere FOR TABLE artworks")
    publisher.sql.execute(f"SELECT PG_CREATE_LOGICAL_REPLICATION_SLOT('{publisher.name}', 'pgoutput')")
    shop.sql.execute(
        f"CREATE SUBSCRIPTION {shop.name} CONNECTION '{publisher.server.conninfo(publisher.name)}' PUBLICATION elsewhere"
        f" WITH (create_slot = false, slot_name = '{publisher.name}', enabled = false, copy_data = false)"
    )
    try:
        assert "a subscription" in {blocker.subject for blocker in planned_switch(shop).blockers}
    finally:
        shop.sql.execute(f"ALTER SUBSCRIPTION {shop.name} SET (slot_name = NONE)")
        shop.sql.execute(f"DROP SUBSCRIPTION {shop.name}")
        publisher.sql.execute(f"SELECT PG_DROP_REPLICATION_SLOT('{publisher.name}')")


def test_an_application_s_trigger_is_recreated_in_its_state(migrated: Shop) -> None:
    """A trigger fires for the serving table and not for what is carried back, and after the rollback it is what it was."""
    migrated.sql.execute(
        "CREATE TABLE calls (id uuid);"
        "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO calls VALUES (NEW.id); RETURN NEW; END$$;"
        "CREATE TRIGGER hook AFTER INSERT OR UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION hook();"
        "CREATE TRIGGER silent AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION hook();"
        "ALTER TABLE artworks DISABLE TRIGGER silent; ALTER TABLE artworks ENABLE ALWAYS TRIGGER hook"
    )
    before = migrated.schema_dump()
    switch(migrated)
    migrated.sql.execute("DELETE FROM calls")
    migrated.sql.execute("SELECT create_artwork('Ada', 'hook@example.com', 'Rex', 'https://a/1', 'https://a/2')")
    assert migrated.value("SELECT COUNT(*) FROM calls") == 1
    roll_back(migrated)
    assert migrated.value("SELECT COUNT(*) FROM calls") == 1
    assert before == migrated.schema_dump()

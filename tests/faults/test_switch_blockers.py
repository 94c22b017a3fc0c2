"""What speaks against the switch or the way back, and what only looks as if it did: names, row types, columns, grants."""

import pytest

from migration.ledger import ledger
from tests.artworks import add_legacy, logged
from tests.conftest import MakeShop
from tests.databases import (
    Shop,
    decide,
    deploy,
    make_ready,
    migrate,
    planned_clean_up,
    planned_roll_back,
    planned_switch,
    roll_back,
    switch,
)
from tests.series import EXHAUSTIVE, LONG, first

INDEXES_OF = "SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE i.indrelid = %s::regclass"

#: What may come after the switch, and the rule that says no to the way back.
COME = {
    "a function of the row type": (
        "CREATE FUNCTION f() RETURNS SETOF artworks LANGUAGE sql AS 'SELECT * FROM artworks'",
        "new_dependent",
    ),
    "a function of its array": ("CREATE FUNCTION f(artworks[]) RETURNS int LANGUAGE sql AS 'SELECT 1'", "new_dependent"),
    "a function of the view's row type": (
        "CREATE FUNCTION f() RETURNS SETOF artworks_v2 LANGUAGE sql AS 'SELECT * FROM artworks_v2'",
        "new_dependent",
    ),
    "a function that is bound": (
        "CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT COUNT(*) FROM artworks; END",
        "new_dependent",
    ),
    "a column of the row type": ("CREATE TABLE copies (artwork artworks)", "new_dependent"),
    "a rule on a view": (
        "CREATE RULE r AS ON UPDATE TO artwork_gallery DO INSTEAD UPDATE artworks SET pet_name = NEW.pet_name WHERE id = OLD.id",
        "new_dependent",
    ),
    "a publication": ("CREATE PUBLICATION other FOR TABLE artworks", "new_dependent"),
    "a column": ("ALTER TABLE artworks ADD COLUMN rating int", "new_column"),
    "a column's new name": ("ALTER TABLE artworks RENAME COLUMN token_expires_at TO expires_at", "new_column"),
}

#: What cannot go along, and the rule that says no to the switch.
STAYS = {
    "a view on both tables": (
        "CREATE VIEW both_sides AS SELECT a.id, v.pet_name FROM artworks AS a JOIN artworks_v2 AS v USING (id)",
        "reads_both_tables",
    ),
    "a policy that reads both tables": (
        "CREATE POLICY both_sides ON orders USING (EXISTS (SELECT FROM artworks AS a JOIN artworks_v2 AS v USING (id)))",
        "reads_both_tables",
    ),
    "a publication of both tables": ("ALTER PUBLICATION supabase_realtime ADD TABLE artworks_v2", "publications"),
    "materialized views of one name": (
        "CREATE SCHEMA a; CREATE SCHEMA b; CREATE MATERIALIZED VIEW a.sales AS SELECT id FROM artworks;"
        "CREATE MATERIALIZED VIEW b.sales AS SELECT id FROM artworks",
        "materialized_views",
    ),
    "indexes of one name": (
        "CREATE SCHEMA a; CREATE MATERIALIZED VIEW one AS SELECT id FROM artworks; "
        "CREATE MATERIALIZED VIEW a.two AS SELECT id FROM artworks; CREATE INDEX by_id ON one (id); CREATE INDEX by_id ON a.two (id)",
        "materialized_views",
    ),
    "a materialized view named like a table of ours": (
        "CREATE MATERIALIZED VIEW step AS SELECT id FROM artworks",
        "materialized_views",
    ),
    "a materialized view whose index has a long name": (
        f"CREATE MATERIALIZED VIEW sales AS SELECT id FROM artworks; CREATE INDEX {'i' * 60} ON sales (id)",
        "materialized_views",
    ),
    "a view that is written to by a rule": (
        "CREATE VIEW named AS SELECT id, pet_name FROM artworks;"
        "CREATE RULE named AS ON UPDATE TO named DO INSTEAD UPDATE artworks SET pet_name = NEW.pet_name WHERE id = OLD.id",
        "unknown_dependent",
    ),
}


def indexes_of(shop: Shop, table: str) -> set[str]:
    """The names of a table's indexes."""
    return {name for (name,) in shop.rows(INDEXES_OF, table)}


def rules_of(shop: Shop) -> set[str]:
    """The rules that say no to the switch as things stand."""
    return {blocker.rule for blocker in planned_switch(shop).blockers}


@LONG
def test_an_index_of_the_application_s_keeps_its_name_on_both_directions(migrated: Shop) -> None:
    """An index of the application keeps its name over switch and rollback; one made after the switch stays with the clean table."""
    migrated.sql.execute("CREATE INDEX my_lookup ON artworks_v2 (pet_name)")
    switch(migrated)
    migrated.sql.execute("CREATE INDEX artworks_pet_name_idx ON artworks (pet_name)")
    assert () == planned_roll_back(migrated).blockers
    roll_back(migrated)
    assert {"my_lookup", "artworks_pet_name_idx"} <= indexes_of(migrated, "artworks_v2")
    assert set() == rules_of(migrated)
    switch(migrated)
    assert {"my_lookup", "artworks_pet_name_idx"} <= indexes_of(migrated, "artworks")


@LONG
def test_an_index_in_the_place_of_a_retired_one_blocks_the_rollback(migrated: Shop) -> None:
    """An index with the name of a retired one blocks the rollback, which needs that name."""
    migrated.sql.execute("CREATE INDEX artworks_by_pet ON artworks (pet_name)")
    switch(migrated)
    migrated.sql.execute("CREATE INDEX artworks_by_pet ON artworks (pet_name)")
    found = [(blocker.rule, blocker.subject) for blocker in planned_roll_back(migrated).blockers]
    assert [("name_taken", "public.artworks_by_pet")] == found


@first(1)
@pytest.mark.parametrize("name", COME)
def test_what_appeared_since_the_switch_blocks_the_rollback(migrated: Shop, name: str) -> None:
    """An object that appeared since the switch and that a rollback would break blocks it, by its own rule only."""
    statement, rule = COME[name]
    switch(migrated)
    migrated.sql.execute(statement)  # type: ignore[call-overload]  # made of this test's own names
    assert {rule} == {blocker.rule for blocker in planned_roll_back(migrated).blockers}


@LONG
def test_a_function_of_the_clean_table_s_row_type_stops_no_direction(migrated: Shop) -> None:
    """A function with the clean table's row type stops neither switch nor rollback, and is unchanged after both."""
    migrated.sql.execute("CREATE FUNCTION first() RETURNS SETOF artworks_v2 LANGUAGE sql AS 'SELECT * FROM artworks_v2 LIMIT 1'")
    switch(migrated)
    assert () == planned_roll_back(migrated).blockers
    roll_back(migrated)
    assert migrated.value("SELECT COUNT(*) FROM first()") == 1


@pytest.mark.parametrize("name", STAYS)
@first(3)
def test_what_cannot_be_recreated_blocks_the_switch(migrated: Shop, name: str) -> None:
    """An object that cannot be recreated blocks the plan of the switch."""
    statement, rule = STAYS[name]
    migrated.sql.execute(statement)  # type: ignore[call-overload]  # made of this test's own names
    assert {rule} == rules_of(migrated)


@LONG
def test_materialized_views_of_any_name_are_carried_over(migrated: Shop) -> None:
    """Materialized views whose names need quotes are carried over by switch and rollback."""
    migrated.sql.execute(
        'CREATE SCHEMA "on sale"; CREATE MATERIALIZED VIEW "on sale"."Sales by day" AS'
        " SELECT created_at::date AS day, COUNT(*) FROM artworks GROUP BY 1;"
        'CREATE UNIQUE INDEX "One a day" ON "on sale"."Sales by day" (day)'
    )
    before = migrated.schema_dump()
    switch(migrated)
    assert {"One a day"} == indexes_of(migrated, '"on sale"."Sales by day"')
    assert () == planned_roll_back(migrated).blockers
    roll_back(migrated)
    assert before == migrated.schema_dump()


@LONG
def test_column_grants_in_another_order_are_no_drift(shop: Shop) -> None:
    """The same column grants in another order are no drift."""
    shop.sql.execute("GRANT SELECT (token_expires_at) ON artworks TO service_role; GRANT SELECT (token_expires_at) ON artworks TO anon")
    deploy(shop)
    migrate(shop)
    assert set() == rules_of(shop)
    shop.sql.execute("GRANT SELECT (pet_name) ON artworks_v2 TO authenticated")
    assert {"access_drift"} == rules_of(shop)


@EXHAUSTIVE
def test_references_by_columns_with_long_names_are_captured_and_are_carried_over(shop: Shop) -> None:
    """Two long column names that are equal up to the limit of a trigger's name get two triggers."""
    first, second = (f"{'the_artwork_that_this_present_was_made_of_in_the_end'}_{place}" for place in (1, 2))
    shop.sql.execute(f"CREATE TABLE gifts ({first} uuid REFERENCES artworks, {second} uuid REFERENCES artworks)")  # type: ignore[call-overload]  # own names
    deploy(shop)
    migrate(shop)
    artwork = add_legacy(shop)
    shop.sql.execute("DELETE FROM artwork_migration.legacy_change")
    shop.sql.execute(f"INSERT INTO gifts ({second}) VALUES (%s)", (artwork,))  # type: ignore[call-overload]  # as above
    assert [[artwork]] == logged(shop)
    assert set() == rules_of(shop)
    switch(shop)
    roll_back(shop)
    assert set() == rules_of(shop)


@LONG
def test_a_generated_column_stops_no_direction(make_shop: MakeShop) -> None:
    """A generated column stops neither switch nor rollback, and stays with the retired table."""
    shop = make_shop()
    shop.sql.execute("ALTER TABLE artworks ADD COLUMN label text GENERATED ALWAYS AS (customer_name || ' & ' || pet_name) STORED")
    deploy(shop)
    migrate(shop)
    assert set() == rules_of(shop)
    switch(shop)
    artwork = shop.value(
        "UPDATE artworks SET customer_name = 'Ada', pet_name = 'Rex' WHERE id IN (SELECT id FROM artworks LIMIT 1) RETURNING id"
    )
    roll_back(shop)
    assert shop.value("SELECT label FROM artworks WHERE id = %s", artwork) == "Ada & Rex"


@LONG
def test_a_sequence_given_to_the_serving_table_does_not_stop_the_clean_up(shop: Shop) -> None:
    """A carried serial column stops clean_up until its sequence belongs to it, as the remedy says."""
    shop.sql.execute("ALTER TABLE artworks ADD COLUMN number serial")
    shop.database.write("creating the ledger", ledger.create)
    decide(shop, "carry_columns", "number")
    deploy(shop)
    migrate(shop)
    switch(shop)
    make_ready(shop)
    found = [blocker for blocker in planned_clean_up(shop).blockers if blocker.rule == "dependent"]
    assert ["default value for column number of table public.artworks"] == [blocker.subject for blocker in found]
    assert "ALTER SEQUENCE public.artworks_number_seq OWNED BY public.artworks.number" == found[0].statement
    shop.sql.execute(found[0].statement)
    assert () == planned_clean_up(shop).blockers

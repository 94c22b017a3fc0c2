"""What speaks against the switch or the way back, and what looks as if it did: names, row types, columns, grants, what reads both tables."""

from tests.shops import Shop, planned_switch, planned_way_back, switch, switch_back

INDEXES_OF = "SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE i.indrelid = %s::regclass"


def indexes_of(shop: Shop, table: str) -> set[str]:
    """The names of a table's indexes."""
    return {name for (name,) in shop.rows(INDEXES_OF, table)}


def rules_of(shop: Shop) -> set[str]:
    """The rules that say no to the switch as things stand."""
    return {(blocker.rule, blocker.subject) for blocker in planned_switch(shop).blockers}


def test_an_index_of_the_application_s_keeps_its_name_on_both_ways(migrated: Shop) -> None:
    """Its name is not one that the switch gives; an index made while the clean table serves stays with that table, and comes again."""
    migrated.sql.execute("CREATE INDEX my_lookup ON artworks_v2 (pet_name)")
    switch(migrated)
    migrated.sql.execute("CREATE INDEX artworks_pet_name_idx ON artworks (pet_name)")
    assert () == planned_way_back(migrated).blockers
    switch_back(migrated)
    assert {"my_lookup", "artworks_pet_name_idx"} <= indexes_of(migrated, "artworks_v2")
    assert set() == rules_of(migrated)
    switch(migrated)
    assert {"my_lookup", "artworks_pet_name_idx"} <= indexes_of(migrated, "artworks")


def test_an_index_in_the_place_of_a_retired_one_blocks_the_way_back(migrated: Shop) -> None:
    """The retired index gets its name again, so nobody else may have it."""
    migrated.sql.execute("CREATE INDEX artworks_by_pet ON artworks (pet_name)")
    switch(migrated)
    migrated.sql.execute("CREATE INDEX artworks_by_pet ON artworks (pet_name)")
    found = [(blocker.rule, blocker.subject) for blocker in planned_way_back(migrated).blockers]
    assert [("name_taken", "public.artworks_by_pet")] == found

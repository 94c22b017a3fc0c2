"""What hangs on artworks and has gone, or come, since the switch: the way back goes without it, or refuses in words before any lock."""

from collections.abc import Callable

import pytest

from tests.databases import Shop, planned_roll_back, reconcile_now, roll_back, switch
from tests.series import LONG, first

HOOK = (
    "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "CREATE TRIGGER hook AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION hook()"
)


def blocked_by(shop: Shop) -> dict[str, str]:
    """What speaks against the way back: the rule for each subject."""
    return {blocker.subject: blocker.rule for blocker in planned_roll_back(shop).blockers}


@LONG
def test_what_was_dropped_since_stays_dropped(migrated: Shop) -> None:
    """A dependent that was dropped since the switch stays dropped, and the others are restored."""
    migrated.sql.execute("CREATE VIEW named AS SELECT id FROM artworks; CREATE PUBLICATION feed FOR TABLE artworks")
    switch(migrated)
    migrated.sql.execute(
        'DROP VIEW artworks_v2, artwork_gallery; DROP POLICY "Users view own orders" ON orders; DROP PUBLICATION feed;'
        "ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey; ALTER PUBLICATION supabase_realtime DROP TABLE artworks"
    )
    made, before = planned_roll_back(migrated), migrated.schema_dump()
    gone = [
        *("key orders_artwork_id_fkey on public.orders", 'policy "Users view own orders" on public.orders', "publication feed"),
        *("publication supabase_realtime", "retired table in publication feed", "retired table in publication supabase_realtime"),
        "view public.artwork_gallery",
    ]
    assert ((), gone) == (made.blockers, made.facts["dropped_since_the_switch"])
    roll_back(migrated, made)
    for name in ("artwork_gallery", "Users view own orders", "orders_artwork_id_fkey", "ADD TABLE ONLY public.artworks;"):
        assert (name, []) == (name, [line for line in (*before, *migrated.schema_dump()) if name in line])
    assert migrated.value("SELECT COUNT(*) FROM named") == migrated.value("SELECT COUNT(*) FROM artworks")
    assert "r" == migrated.value("SELECT relkind FROM pg_class WHERE oid = 'artworks_v2'::regclass")


@LONG
def test_what_the_retired_side_still_has_comes_back(migrated: Shop) -> None:
    """A trigger and a materialized view that were dropped since the switch are as before it after a rollback."""
    migrated.sql.execute(HOOK)
    before = migrated.schema_dump()
    switch(migrated)
    migrated.sql.execute("DROP TRIGGER hook ON artworks; DROP MATERIALIZED VIEW artwork_sales")
    roll_back(migrated)
    assert before == migrated.schema_dump()


@LONG
def test_a_restored_database_goes_back(migrated: Shop, restored: Callable[[Shop], Shop]) -> None:
    """In a restored database the dependents at the switch are known by name, and a new one still blocks."""
    migrated.sql.execute(HOOK)
    migrated.sql.execute("CREATE FUNCTION counted() RETURNS bigint BEGIN ATOMIC SELECT COUNT(*) FROM artworks_v2; END")
    switch(migrated)
    copy = restored(migrated)
    assert {} == blocked_by(copy)
    copy.sql.execute("CREATE VIEW since AS SELECT id FROM artworks")
    assert {"view public.since": "new_dependent"} == blocked_by(copy)
    copy.sql.execute("DROP VIEW since")
    roll_back(copy)
    assert set(reconcile_now(copy)) <= {"match", "excluded", "quarantined"}


#: What is there before the switch, what is done after it, and who says no to the way back about what.
SINCE = {
    "a function replaced by one that is bound": (
        "CREATE FUNCTION older() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
        "CREATE OR REPLACE FUNCTION older() RETURNS bigint BEGIN ATOMIC SELECT COUNT(*) FROM artworks; END",
        ("function public.older()", "new_dependent"),
    ),
    "the same without the view artworks_v2": (
        "CREATE FUNCTION older() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
        "DROP VIEW artworks_v2; CREATE OR REPLACE FUNCTION older() RETURNS bigint BEGIN ATOMIC SELECT COUNT(*) FROM artworks; END",
        ("function public.older()", "new_dependent"),
    ),
    "a column without the view artworks_v2": (
        "SELECT 1",
        "DROP VIEW artworks_v2; ALTER TABLE artworks ADD COLUMN rating int",
        ("column rating", "new_column"),
    ),
    "somebody else's artworks_v2": (
        "SELECT 1",
        "DROP VIEW artworks_v2; CREATE TABLE artworks_v2 ()",
        ("public.artworks_v2", "name_taken"),
        ("trigger artwork_migration_delete on public.artworks_v2", "trigger_drifted"),
    ),
    "a function under another name": (
        "CREATE FUNCTION older() RETURNS bigint BEGIN ATOMIC SELECT COUNT(*) FROM artworks_v2; END",
        "ALTER FUNCTION older RENAME TO renamed",
        ("function public.renamed()", "new_dependent"),
    ),
    "a trigger's words": (
        HOOK,
        "CREATE OR REPLACE TRIGGER hook AFTER INSERT OR DELETE ON artworks FOR EACH ROW EXECUTE FUNCTION hook()",
        ("trigger hook", "changed_dependent"),
    ),
    "the retired table's key to users": (
        "SELECT 1",
        "ALTER TABLE artworks_old DROP CONSTRAINT artworks_old_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE",
        ("constraint artworks_old_user_id_fkey on public.artworks_old", "user_key_action"),
    ),
    "the retired table's key, dropped": (
        "SELECT 1",
        "ALTER TABLE artworks_old DROP CONSTRAINT artworks_old_user_id_fkey",
        ("artworks_old_user_id_fkey", "missing_name"),
    ),
    "the serving table's key to users": (
        "SELECT 1",
        "ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE",
        ("constraint artworks_user_id_fkey on public.artworks", "user_key_action"),
    ),
    "a check, dropped": (
        "SELECT 1",
        "ALTER TABLE artworks DROP CONSTRAINT artworks_generation_status_check",
        ("artworks_generation_status_check", "missing_name"),
    ),
    "an index, under another name": (
        "SELECT 1",
        "ALTER INDEX artworks_user_id_idx RENAME TO by_user",
        ("artworks_user_id_idx", "missing_name"),
    ),
    "the life-cycle trigger, dropped": (
        "SELECT 1",
        "DROP TRIGGER artworks_lifecycle ON artworks",
        ("artworks_lifecycle", "missing_name"),
        ("trigger artworks_lifecycle on public.artworks", "trigger_drifted"),
    ),
}


@first(1)
@pytest.mark.parametrize("name", SINCE)
def test_what_the_rollback_could_not_do_is_said_before(migrated: Shop, name: str) -> None:
    """What a rollback could not do blocks it by its own rule and no other."""
    there_before, since, *expected = SINCE[name]
    migrated.sql.execute(there_before)  # type: ignore[call-overload]  # made of this test's own names
    switch(migrated)
    assert {} == blocked_by(migrated)
    migrated.sql.execute(since)  # type: ignore[call-overload]  # as above
    assert dict(expected) == blocked_by(migrated)

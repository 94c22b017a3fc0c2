"""Keys of the application that are checked at the commit only: what they have still to check must not stand in the way of a rename."""

import pytest

from migration.ledger.phases import ROLL_BACK_TO_MIGRATED, SWITCH_OVER
from tests.artworks import add_clean, add_legacy, add_order, add_user
from tests.databases import Shop, catch_up_now, reconcile_now
from tests.directions import DIRECTIONS, POINTING_NOWHERE, Direction
from tests.series import LONG, first

DEFERRED = "ALTER TABLE {} ALTER CONSTRAINT {} DEFERRABLE INITIALLY DEFERRED"


@pytest.fixture(params=DIRECTIONS, ids=str)
def direction(request: pytest.FixtureRequest, migrated: Shop) -> Direction:
    """Both directions, in a shop whose keys are all checked at the commit."""
    migrated.sql.execute(DEFERRED.format("orders", "orders_artwork_id_fkey"))
    migrated.sql.execute(DEFERRED.format("artworks", "artworks_user_id_fkey"))
    return Direction.ready(migrated, request.param)


@first(1)
def test_what_is_written_before_the_lock_waits_for_no_check(direction: Direction) -> None:
    """With deferred keys no check is left when the tables are renamed, although rows change between the last batch and the lock."""
    shop, written = direction.shop, []

    def write() -> None:
        if written:
            return  # another attempt
        for number in range(3):
            owner = add_user(shop, f"deferred.{number}@example.com")
            add = add_clean if direction.verb.goes_back else add_legacy
            add_order(shop, add(shop, customer_email=f"deferred.{number}@example.com", user_id=owner))
        shop.sql.execute("UPDATE artworks SET user_id = %s WHERE id = (SELECT MAX(id::text)::uuid FROM artworks)", (owner,))
        shop.sql.execute(
            "DELETE FROM artworks WHERE id = (SELECT id FROM artworks WHERE id NOT IN (SELECT artwork_id FROM orders) LIMIT 1)"
        )
        shop.sql.execute("DELETE FROM users WHERE email = 'deferred.1@example.com'")
        written.append(True)

    before = shop.schema_dump()
    direction.commit(meanwhile=write)
    direction.finish()
    assert direction.leads_to is direction.phase()
    assert shop.value(POINTING_NOWHERE) == 0
    assert shop.value("SELECT COUNT(*) FROM artworks WHERE user_id IS NOT NULL AND user_id NOT IN (SELECT id FROM users)") == 0
    assert before != shop.schema_dump()


@LONG
def test_the_keys_are_deferred_again_after_both_directions(migrated: Shop) -> None:
    """After switch and rollback the deferred keys have the same definitions, and both sides agree."""
    migrated.sql.execute(DEFERRED.format("orders", "orders_artwork_id_fkey"))
    migrated.sql.execute(DEFERRED.format("artworks", "artworks_user_id_fkey"))
    before = migrated.schema_dump()
    Direction(migrated, SWITCH_OVER).do()
    assert migrated.value("SELECT condeferred FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'")
    Direction(migrated, ROLL_BACK_TO_MIGRATED).do()
    assert before == migrated.schema_dump()
    catch_up_now(migrated)
    assert set(reconcile_now(migrated)) <= {"match", "excluded", "quarantined"}

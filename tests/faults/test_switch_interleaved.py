"""The application and the switch, or the way back from it, step by step: what comes between the plan, the gate, the locks and the commit."""

import threading
from uuid import UUID

import pytest

from migration.errors import BlockerHasCome, WrongUnderLock
from tests.artworks import add_clean, add_legacy, add_order
from tests.faults.test_locks import PLACE_ORDER, TOUCH_ARTWORK, TOUCH_ORDER, Background, cross
from tests.shops import Shop, execute_switch, finish_switch
from tests.ways import Way, under_the_locks, with_row


@pytest.mark.parametrize(
    ("first", "then", "waits_for"),
    [
        pytest.param(TOUCH_ARTWORK, PLACE_ORDER, "public.artworks", id="artworks, then orders"),
        pytest.param(TOUCH_ORDER, TOUCH_ARTWORK, "public.orders", id="orders, then artworks"),
        pytest.param("SELECT COUNT(*) FROM public.artwork_gallery", TOUCH_ORDER, "public.artwork_gallery", id="the view, then orders"),
    ],
)
def test_the_application_is_never_the_victim_of_a_deadlock(way: Way, first: str, then: str, waits_for: str) -> None:
    """Whatever order the application locks in, we give up first."""
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = CURRENT_DATABASE()"
    before = way.shop.value(deadlocks)
    cross(way.shop, way.do, first, then, waits_for)
    assert way.leads_to is way.phase()
    assert before == way.shop.value(deadlocks)


#: Under the locks: goes on when somebody waits for artworks; if nobody comes, this attempt counts as one that had no locks.
A_WRITER_WAITS = """DO $$ BEGIN
      FOR round IN 1..100 LOOP
        EXIT WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND l.relation = 'public.artworks'::regclass);
        IF round = 100 THEN
          RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'nobody waits';
        END IF;
        PERFORM PG_SLEEP(0.001);
      END LOOP;
END $$"""


def test_a_write_that_waited_for_the_locks_is_in_the_table_that_serves(way: Way) -> None:
    """Stepped: a writer stands in the queue when the names change hands; its write, and every one after it, is where it belongs."""
    artwork = way.shop.value("SELECT MIN(artwork_id::text) FROM orders")
    session, written, stop = way.shop.session(autocommit=True), [""], threading.Event()

    def write() -> None:
        while not stop.is_set():
            name = f"write {len(written)}"
            assert session.execute("UPDATE public.artworks SET pet_name = %s WHERE id = %s", (name, artwork)).rowcount == 1
            written.append(name)

    made = way.plan()
    writer = Background(write)
    way.do(with_row(made, under_the_locks(made), A_WRITER_WAITS))
    stop.set()
    writer.result()
    assert way.leads_to is way.phase()
    assert written[-1] == way.shop.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)


# What comes between the gate and the lock


def in_flight(shop: Shop, **columns: object) -> UUID:
    return add_legacy(shop, generation_status="pending", generated_image_url=None, **columns)


def test_an_artwork_in_flight_goes_along(migrated: Shop) -> None:
    """Also one that was uploaded behind the last catch-up: the webhook that ends its generation finds a row in the serving table."""
    early, late = in_flight(migrated), []
    execute_switch(migrated, meanwhile=lambda: late.append(in_flight(migrated)))
    done = "UPDATE artworks SET generation_status = 'processing' WHERE id = ANY(%s)"
    assert migrated.sql.execute(done, ([early, *late],)).rowcount == 2


def test_an_order_placed_behind_the_gate_takes_its_artwork_along(migrated: Shop) -> None:
    """A failed artwork stays behind until an order references it; that is found under the lock."""
    artwork = add_legacy(migrated, generation_status="failed")
    execute_switch(migrated, meanwhile=lambda: add_order(migrated, artwork))
    assert migrated.value("SELECT COUNT(*) FROM artworks WHERE id = %s", artwork) == 1
    finish_switch(migrated)


def test_an_order_for_what_cannot_go_along_stops_the_switch(migrated: Shop) -> None:
    """An order for test data, placed behind the gate: nothing is changed, and the id is named."""
    artwork = add_legacy(migrated, original_image_url="test-1")
    before = migrated.schema_dump()
    with pytest.raises(WrongUnderLock, match=str(artwork)) as caught:
        execute_switch(migrated, meanwhile=lambda: add_order(migrated, artwork))
    assert "Red gate" == caught.value.end_state
    assert before == migrated.schema_dump()


def test_a_refused_write_that_comes_late_stops_the_switch(migrated: Shop) -> None:
    """The plan had no blocker; under the lock there is one."""
    artwork = add_clean(migrated)
    with pytest.raises(BlockerHasCome):
        execute_switch(
            migrated, meanwhile=lambda: migrated.sql.execute("UPDATE artworks_v2 SET customer_name = NULL WHERE id = %s", (artwork,))
        )


def test_a_view_made_behind_the_plan_stops_both_ways(way: Way) -> None:
    """It is in no statement of the plan, so it would go on with the other table."""
    before, made = way.phase(), way.plan()
    way.shop.sql.execute("CREATE VIEW late AS SELECT id FROM artworks")
    with pytest.raises(BlockerHasCome):
        way.do(made)
    assert before is way.phase()

"""The application beside the switch and the way back from it, step by step: what comes between plan, gate, locks and commit."""

import functools
import itertools
import threading
from typing import Any
from uuid import UUID

import psycopg
import pytest

from migration.database import LOCK_NOT_AVAILABLE
from migration.errors import DatabaseError, NewBlocker, WrongUnderLock
from migration.ledger.phases import SWITCH_OVER
from migration.plans import execution
from migration.sync.catch_up import catch_up
from migration.verbs.switch_over import CHECKS, catch_up_before
from tests.artworks import add_clean, add_legacy, add_order, relax_clean_names
from tests.databases import (
    Shop,
    approve,
    execute,
    execute_roll_back,
    execute_switch,
    finish_roll_back,
    finish_switch,
    planned_switch,
    running,
    switch,
)
from tests.directions import POINTING_NOWHERE, Direction, under_the_locks, with_row
from tests.interleaving import PLACE_ORDER, TOUCH_ARTWORK, TOUCH_ORDER, Step, blocked_session, cross
from tests.series import LONG, first, series
from tests.waiting import BOUND, wait_until


@first(1)
@pytest.mark.parametrize(
    ("first", "then", "waits_for"),
    [
        pytest.param(TOUCH_ARTWORK, PLACE_ORDER, "public.artworks", id="artworks, then orders"),
        pytest.param(TOUCH_ORDER, TOUCH_ARTWORK, "public.orders", id="orders, then artworks"),
        pytest.param(TOUCH_ORDER, PLACE_ORDER, "public.orders", id="orders, then an order that is checked"),
        pytest.param(
            "SELECT COUNT(*) FROM public.artwork_sales", PLACE_ORDER, "public.artwork_sales", id="the materialized view, then an order"
        ),
        pytest.param("SELECT COUNT(*) FROM public.artwork_gallery", TOUCH_ORDER, "public.artwork_gallery", id="the view, then orders"),
    ],
)
def test_the_application_is_never_the_victim_of_a_deadlock(direction: Direction, first: str, then: str, waits_for: str) -> None:
    """In whatever order the application locks, switch and rollback give up first and the server counts no deadlock."""
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = CURRENT_DATABASE()"
    before = direction.shop.value(deadlocks)
    cross(direction.shop, direction.do, first, then, waits_for)
    assert direction.leads_to is direction.phase()
    assert before == direction.shop.value(deadlocks)


WAITING = "SELECT COUNT(*) FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND l.relation = 'public.artworks'::regclass"
LOCKED = """
    SELECT EXISTS(
      SELECT FROM pg_catalog.pg_locks AS l
      WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND l.relation = TO_REGCLASS('public.artworks')
    )
"""
#: Each of them with a session of its own.
WRITERS = 100


def writers_wait(number: int) -> str:
    """Under the locks: goes on when so many wait for artworks; if they do not come, this attempt counts as one that had no locks."""
    return f"""DO $$ BEGIN
      FOR round IN 1..200 LOOP
        EXIT WHEN ({WAITING}) >= {number};
        IF round = 200 THEN
          RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'nobody waits';
        END IF;
        PERFORM PG_SLEEP(0.001);
      END LOOP;
END $$"""


@first(1)
def test_a_write_that_waited_for_the_locks_is_in_the_table_that_serves(direction: Direction) -> None:
    """A write that waits while the names change, and every one after it, is in the table that serves then."""
    artwork = direction.shop.value("SELECT MIN(artwork_id::text) FROM orders")
    session, written, stop = direction.shop.session(autocommit=True), [""], threading.Event()

    def write() -> None:
        while not stop.is_set():
            name = f"write {len(written)}"
            assert session.execute("UPDATE public.artworks SET pet_name = %s WHERE id = %s", (name, artwork)).rowcount == 1
            written.append(name)

    made = direction.plan()
    writer = Step(direction.shop, write)
    direction.do(with_row(made, under_the_locks(made), writers_wait(1)))
    stop.set()
    writer.result()
    assert direction.leads_to is direction.phase()
    assert written[-1] == direction.shop.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)


@LONG
def test_a_hundred_writes_in_flight(direction: Direction) -> None:
    """A hundred writers that wait while the names change get no error, and the last write of each is in the serving table."""
    artworks = [artwork for (artwork,) in direction.shop.rows("SELECT id FROM artworks_v2 ORDER BY id LIMIT %s", WRITERS)]
    locked, stop, watcher = threading.Event(), threading.Event(), direction.shop.session(autocommit=True)

    def watch() -> None:
        while not stop.is_set():
            row = watcher.execute(LOCKED).fetchone()
            (locked.set if row and row[0] else locked.clear)()
        locked.set()

    def write(artwork: UUID, session: psycopg.Connection[Any]) -> tuple[UUID, int]:
        for number in itertools.count():
            locked.wait()
            assert session.execute("UPDATE artworks SET pet_name = %s WHERE id = %s", (f"write {number}", artwork)).rowcount == 1
            if stop.is_set():
                return artwork, number
        raise AssertionError

    sessions = [direction.shop.session(autocommit=True) for _ in artworks]
    made = direction.plan()
    writers = [Step(direction.shop, functools.partial(write, *each)) for each in zip(artworks, sessions, strict=True)]
    watching = Step(direction.shop, watch)
    try:
        direction.do(with_row(made, under_the_locks(made), writers_wait(WRITERS)))
    finally:
        stop.set()
    watching.result()
    written = {artwork: f"write {number}" for artwork, number in (writer.result() for writer in writers)}
    assert direction.leads_to is direction.phase()
    assert written == dict(direction.shop.rows("SELECT id, pet_name FROM artworks WHERE id = ANY(%s)", artworks))


# What comes between the gate and the lock

WEBHOOK = "UPDATE artworks SET generation_status = 'completed', generated_image_url = 'https://images.example/done' WHERE id = ANY(%s)"


@first(1)
def test_an_artwork_in_flight_is_carried_over(direction: Direction) -> None:
    """An artwork in flight is carried over, also one after the last batch, and its webhook finds and completes it."""
    early, late = direction.add(**IN_FLIGHT), []
    direction.commit(meanwhile=lambda: late.append(direction.add(**IN_FLIGHT)))
    assert direction.shop.sql.execute(WEBHOOK, ([early, *late],)).rowcount == len(late) + 1
    direction.finish()


@pytest.mark.parametrize("carried", [True, pytest.param(False, id="without the parameter")])
def test_what_comes_into_flight_between_the_drains_is_carried_over(migrated: Shop, carried: bool) -> None:
    """An artwork that comes into flight after those in flight were read, and whose change is applied before the locks, is carried over."""
    made, late = planned_switch(migrated), list[UUID]()
    with running(migrated, SWITCH_OVER) as run:
        approve(run, made)

        def drain() -> None:
            late.append(add_legacy(migrated, **IN_FLIGHT))
            catch_up(run, in_flight=carried)

        execute(run, made, checks=CHECKS, before_locks=drain)
    assert len(late) * carried == migrated.value("SELECT COUNT(*) FROM artworks WHERE id = ANY(%s)", late)
    finish_switch(migrated)


@pytest.mark.parametrize(("sqlstate", "patience", "often"), [("22P02", BOUND, False), (LOCK_NOT_AVAILABLE, 0.5, True)])
def test_an_error_of_the_drain_before_the_locks(migrated: Shop, sqlstate: str, patience: float, often: bool) -> None:
    """If the log cannot be drained right before the locks, that error ends the verb: at once, or, if others are at work, in the end."""
    made, calls, told = planned_switch(migrated), list[int](), list[str]()

    def blocked() -> None:
        calls.append(1)
        raise DatabaseError(sqlstate, "Condition", "", "catching up")

    with running(migrated, SWITCH_OVER, patience=patience) as run, pytest.raises(DatabaseError) as caught:
        approve(run, made)
        execution.execute_plan(run, made, before_locks=blocked, on_attempt=told.append)
    assert sqlstate == caught.value.sqlstate
    assert often == (len(calls) > 1)
    assert len(calls) - 1 == len(told)
    assert all("the log could not be drained before the locks, nothing changed: catching up failed" in message for message in told)
    assert migrated.value("SELECT TO_REGCLASS('public.artworks_old') IS NULL")


def test_ddl_that_waits_for_an_attempt_ends_it(migrated: Shop) -> None:
    """DDL of the application waits for the attempt, and the drain in it for the DDL: the attempt gives way, and the next one succeeds."""
    made, session, told = planned_switch(migrated), migrated.session(), list[str]()

    def change() -> None:
        session.execute("LOCK TABLE public.artworks IN ACCESS EXCLUSIVE MODE")
        session.rollback()

    ddl = threading.Thread(target=change)

    def drain() -> None:
        if not ddl.ident:
            ddl.start()
            wait_until(lambda: migrated.value("SELECT CARDINALITY(PG_BLOCKING_PIDS(%s)) > 0", session.info.backend_pid))
        catch_up_before(run)

    with running(migrated, SWITCH_OVER, patience=BOUND) as run:
        approve(run, made)
        execution.execute_plan(run, made, checks=CHECKS, before_locks=drain, on_attempt=told.append)
    ddl.join()
    (gave_way,) = told
    assert gave_way.startswith("attempt 1: the log could not be drained before the locks, nothing changed: ")
    assert "pg_terminate_backend" not in gave_way
    finish_switch(migrated)


IN_FLIGHT = {"generation_status": "pending", "generated_image_url": None}


@first(1)
def test_a_webhook_that_waits_for_the_locks_reaches_its_artwork(direction: Direction) -> None:
    """A webhook that waits while the names change completes its artwork in the table that serves then."""
    artworks = itertools.cycle([direction.add(**IN_FLIGHT) for _ in range(20)])
    made, session, reached = direction.plan(), direction.shop.session(autocommit=True), []
    work = Step(direction.shop, lambda: direction.commit(with_row(made, under_the_locks(made), writers_wait(1))))
    while not work.done:
        wait_until(lambda: work.done or blocked_session(direction.shop) or direction.shop.rows(HELD), every=0.001)
        artwork = next(artworks)
        reached.append((session.execute(WEBHOOK, ([artwork],)).rowcount, direction.shop.value(STATUS, artwork)))
    work.result()
    assert {(1, "completed")} == set(reached)


#: Whether somebody is under the locks.
HELD = "SELECT 1 FROM pg_locks WHERE relation = 'public.artworks'::regclass AND mode = 'AccessExclusiveLock' AND granted"
STATUS = "SELECT generation_status FROM artworks WHERE id = %s"


def test_an_order_placed_behind_the_gate_takes_its_artwork_along(migrated: Shop) -> None:
    """An order that is placed after the gate brings its failed artwork along, which is found under the lock."""
    artwork = add_legacy(migrated, generation_status="failed")
    execute_switch(migrated, meanwhile=lambda: add_order(migrated, artwork))
    assert migrated.value("SELECT COUNT(*) FROM artworks WHERE id = %s", artwork) == 1
    assert migrated.value(POINTING_NOWHERE) == 0
    finish_switch(migrated)


@LONG
def test_an_order_placed_behind_the_carry_back_takes_its_artwork_along(migrated: Shop) -> None:
    """An artwork and its order that are created after the last batch of the carry-back are in the legacy table."""
    switch(migrated)
    orders: list[UUID] = []
    execute_roll_back(migrated, meanwhile=lambda: orders.append(add_order(migrated, add_clean(migrated))))
    assert migrated.value("SELECT COUNT(*) FROM orders JOIN artworks AS a ON a.id = artwork_id WHERE orders.id = ANY(%s)", orders) == 1
    finish_roll_back(migrated)
    assert migrated.value(POINTING_NOWHERE) == 0


def test_an_order_for_what_cannot_are_carried_over_stops_the_switch(migrated: Shop) -> None:
    """An order for test data, placed after the gate, stops the switch with the artwork's id, and nothing changes."""
    artwork = add_legacy(migrated, original_image_url="test-1")
    before = migrated.schema_dump()
    with pytest.raises(WrongUnderLock, match=str(artwork)) as caught:
        execute_switch(migrated, meanwhile=lambda: add_order(migrated, artwork))
    assert "Red" == caught.value.end
    assert before == migrated.schema_dump()


@LONG
def test_an_order_for_what_cannot_come_back_stops_the_rollback(migrated: Shop) -> None:
    """An order, placed after the last batch, for an artwork that the retired table rejects stops the rollback, and nothing changes."""
    switch(migrated)
    before = migrated.schema_dump()
    with pytest.raises(NewBlocker):
        execute_roll_back(migrated, meanwhile=lambda: add_order(migrated, add_clean(migrated, customer_name=None)))
    assert before == migrated.schema_dump()


def test_a_rejected_write_that_comes_late_stops_the_switch(migrated: Shop) -> None:
    """A write that is rejected after the plan stops the switch under the lock."""
    relax_clean_names(migrated)
    artwork = add_clean(migrated)
    with pytest.raises(NewBlocker):
        execute_switch(
            migrated, meanwhile=lambda: migrated.sql.execute("UPDATE artworks_v2 SET customer_name = NULL WHERE id = %s", (artwork,))
        )


def test_a_sign_up_that_is_under_way_gets_no_error(migrated: Shop) -> None:
    """A sign-up that holds the e-mail the last catch-up needs, and then waits for a table that we hold, gets no error."""
    session, made = migrated.session(), []
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = CURRENT_DATABASE()"
    before = migrated.value(deadlocks)

    def sign_up() -> None:
        if not made:
            session.execute("INSERT INTO public.users (email) VALUES ('late@example.com')")
            made.append(add_legacy(migrated, customer_email="late@example.com"))

    work = Step(migrated, lambda: execute_switch(migrated, meanwhile=sign_up, patience=BOUND))
    wait_until(lambda: blocked_session(migrated))
    session.execute("UPDATE public.artworks SET pet_name = 'Late' WHERE id = %s", (made[0],))
    session.commit()
    work.result()
    owner = "SELECT u.email FROM artworks AS a JOIN users AS u ON u.id = a.user_id WHERE a.id = %s AND a.pet_name = 'Late'"
    assert ("late@example.com", before) == (migrated.value(owner, made[0]), migrated.value(deadlocks))


# Sessions that go on across the switch

STATEMENTS = {
    "change": "UPDATE public.artworks SET pet_name = $1 WHERE id = $2",
    "buy": "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents) VALUES ($2, $1, 100)",
    "look": "SELECT pet_name FROM public.artworks WHERE id = $2 AND $1 <> ''",
}


@first(1)
def test_statements_prepared_before_reach_the_table_that_serves(direction: Direction) -> None:
    """A statement prepared before, also with a generic plan, reaches the serving table; only SELECT * must be prepared again."""
    session, artwork = direction.shop.session(autocommit=True), direction.shop.value("SELECT artwork_id FROM orders LIMIT 1")
    session.execute("SET plan_cache_mode = force_generic_plan")
    for name, statement in STATEMENTS.items():
        session.execute(f"PREPARE {name} (text, uuid) AS {statement}")
        session.execute(f"EXECUTE {name} ('before', '{artwork}')")
    session.execute("PREPARE everything AS SELECT * FROM public.artworks")
    session.execute("EXECUTE everything")
    direction.do()
    for name in ("change", "buy"):
        assert session.execute(f"EXECUTE {name} ('after', '{artwork}')").rowcount == 1
    assert ("after",) == session.execute(f"EXECUTE look ('-', '{artwork}')").fetchone()
    assert "after" == direction.shop.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan"):
        session.execute("EXECUTE everything")
    session.execute("DEALLOCATE everything; PREPARE everything AS SELECT * FROM public.artworks")
    session.execute("EXECUTE everything")
    assert direction.shop.value(POINTING_NOWHERE) == 0


@LONG
def test_a_function_with_a_cached_plan_writes_to_the_table_that_serves(direction: Direction) -> None:
    """A function with a cached plan writes to the table that serves after switch and rollback."""
    direction.shop.sql.execute(
        "CREATE FUNCTION touch(artwork uuid, name text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE found_name text; BEGIN"
        " UPDATE artworks SET pet_name = name WHERE id = artwork;"
        " SELECT a.pet_name INTO STRICT found_name FROM artworks AS a WHERE a.id = artwork; RETURN found_name; END $$"
    )
    session, artwork = direction.shop.session(autocommit=True), direction.shop.value("SELECT artwork_id FROM orders LIMIT 1")
    for number in range(7):
        session.execute("SELECT touch(%s, %s)", (artwork, f"before {number}"))
    direction.do()
    assert ("after",) == session.execute("SELECT touch(%s, 'after')", (artwork,)).fetchone()
    assert "after" == direction.shop.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)


@first(1)
def test_a_transaction_that_has_read_artworks_goes_on_with_the_table_it_has_read(direction: Direction) -> None:
    """Switch and rollback wait for a transaction that has read artworks, and its write is not lost."""
    artwork, session = direction.shop.value("SELECT artwork_id FROM orders LIMIT 1"), direction.shop.session()
    session.execute("SELECT pet_name FROM artworks WHERE id = %s", (artwork,))
    work = Step(direction.shop, direction.commit)
    wait_until(lambda: blocked_session(direction.shop))
    assert session.execute("UPDATE artworks SET pet_name = 'read before' WHERE id = %s", (artwork,)).rowcount == 1
    session.commit()
    work.result()
    assert "read before" == direction.shop.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)


@pytest.mark.parametrize("isolation", series(["READ COMMITTED", "REPEATABLE READ"], {"REPEATABLE READ"}))
@first(1)
def test_a_transaction_that_has_not_read_artworks_goes_on_with_the_table_that_serves(direction: Direction, isolation: str) -> None:
    """A transaction that is open all the time and has not read artworks writes to the serving table."""
    artwork, session = direction.shop.value("SELECT artwork_id FROM orders LIMIT 1"), direction.shop.session()
    session.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
    session.execute("SELECT COUNT(*) FROM users")
    direction.commit()
    assert session.execute("UPDATE artworks SET pet_name = 'opened before' WHERE id = %s", (artwork,)).rowcount == 1
    session.commit()
    assert "opened before" == direction.shop.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)
    direction.finish()

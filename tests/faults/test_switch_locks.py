"""Locks that the switch and the way back from it do not get: nothing is changed, and whoever holds them is named."""

import itertools
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, product
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration.ledger import ledger
from migration.lock_errors import LockNotObtained, OldTransactions
from migration.plans import execution
from reporting.stall import newest_stall
from sample.server import EmbeddedServer
from tasks.switching import stall
from tests.conftest import MakeShop
from tests.databases import Shop, running
from tests.directions import DIRECTIONS, Direction, digest, places, under_the_locks, with_row
from tests.interleaving import Step, holding
from tests.series import LONG, first, series
from tests.waiting import BOUND, wait_until

EVERY_TABLE = (
    "public.artworks, public.orders, public.order_status_history, public.users, artwork_migration.phase_history, artwork_migration.step,"
    " artwork_migration.legacy_change, artwork_migration.clean_modified"
)
IN_THE_WAY = {
    "a write to artworks": "UPDATE public.artworks SET pet_name = pet_name WHERE ctid = '(0,1)'",
    "a write to orders": "UPDATE public.orders SET status = status WHERE ctid = '(0,1)'",
    "an order placed": "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents)"
    " SELECT artwork_id, 'cs_in_the_way', 100 FROM public.orders LIMIT 1",
    "a long reader": "SELECT COUNT(*) FROM public.artworks",
    "a reader of the view": "SELECT COUNT(*) FROM public.artwork_gallery",
    "a reader of the materialized view": "SELECT COUNT(*) FROM public.artwork_sales",
    "maintenance": "LOCK TABLE public.artworks IN SHARE UPDATE EXCLUSIVE MODE",
    "pg_dump": f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; LOCK TABLE {EVERY_TABLE} IN ACCESS SHARE MODE; SELECT 1",
}


def application_side(shop: Shop) -> tuple[list[str], dict[str, str]]:
    """The schema, and a checksum of every table that the application works with; the clean one gets what is in flight before the locks."""
    found = digest(shop)
    return shop.schema_dump(), {name: found[name] for name in ("artworks", "orders", "order_status_history")}


@first(1)
@pytest.mark.parametrize(
    ("name", "direction"),
    series(product(IN_THE_WAY, DIRECTIONS), set(zip(IN_THE_WAY, cycle(DIRECTIONS), strict=False))),
    indirect=["direction"],
    ids=str,
)
def test_locks_not_had_change_nothing_and_name_the_holder(direction: Direction, name: str) -> None:
    """Without the locks nothing changes, the message has the holder's pid, age and state, and the same plan goes through afterwards."""
    before, phase, made = application_side(direction.shop), direction.phase(), direction.plan()
    with holding(direction.shop, IN_THE_WAY[name]) as session:
        with pytest.raises(LockNotObtained) as caught:
            direction.do(made, patience=0)
        holder = next(holder for holder in caught.value.holders if holder.pid == session.info.backend_pid)
    assert ("webshop", "idle in transaction") == (holder.application, holder.state)
    assert f"pid {holder.pid} (webshop, idle in transaction, open for {holder.seconds} s)" in str(caught.value)
    assert (before, phase) == (application_side(direction.shop), direction.phase())
    assert made.number == direction.plan().number
    direction.do(made)
    assert direction.leads_to is direction.phase()


@LONG
def test_a_vacuum_of_the_operator_s_is_named_and_waited_for(direction: Direction) -> None:
    """A VACUUM that somebody started is named as the holder, and is not ended."""
    before, made = application_side(direction.shop), direction.plan()
    session = direction.shop.session(autocommit=True)
    session.execute("SET application_name = 'night shift'; SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1")
    vacuum = Step(direction.shop, lambda: session.execute("VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) public.artworks"))
    wait_until(lambda: holds_artworks(direction.shop, "VACUUM %"))
    with pytest.raises(LockNotObtained, match=r"pid \d+ \(night shift, active, open for \d+ s\) on (public\.)?artworks"):
        direction.do(made, patience=0)
    assert not vacuum.done
    assert before == application_side(direction.shop)
    session.cancel_safe()
    with pytest.raises(psycopg.errors.QueryCanceled):
        vacuum.result()
    direction.do(made)
    assert direction.leads_to is direction.phase()


def holds_artworks(shop: Shop, doing: str) -> list[tuple[Any, ...]]:
    """Sessions that hold the lock of a vacuum on artworks and are doing this."""
    return shop.rows(
        "SELECT a.pid FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid WHERE a.query LIKE %s AND l.granted"
        " AND l.relation = 'public.artworks'::regclass AND l.mode = 'ShareUpdateExclusiveLock'",
        doing,
    )


# Autovacuum


@pytest.fixture(scope="module")
def vacuuming() -> Iterator[EmbeddedServer]:
    """A server of this file's own, whose autovacuum comes every second."""
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        EmbeddedServer(Path(folder) / "d", settings={"fsync": "off", "autovacuum_naptime": "1s"}) as server,
    ):
        yield server


@pytest.fixture(params=DIRECTIONS, ids=str)
def vacuumed(request: pytest.FixtureRequest, vacuuming: EmbeddedServer, make_shop: MakeShop) -> Direction:
    """Both directions, on that server."""
    return Direction.ready(make_shop(phase="MIGRATED", on=vacuuming), request.param)


#: So slow that a test has done before the vacuum has.
SLOWLY = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"


@LONG
def test_autovacuum_is_made_to_yield(vacuumed: Direction) -> None:
    """Autovacuum that holds the table yields to us long before it would have ended."""
    shop = vacuumed.shop
    shop.sql.execute(f"ALTER TABLE artworks SET ({SLOWLY}, autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)")
    shop.sql.execute("UPDATE artworks SET pet_name = pet_name")
    shop.sql.execute("SELECT PG_STAT_FORCE_NEXT_FLUSH()")
    made = vacuumed.plan()
    wait_until(lambda: holds_artworks(shop, "autovacuum: %"))
    vacuumed.do(made, patience=10)
    assert vacuumed.leads_to is vacuumed.phase()


@LONG
def test_autovacuum_against_wraparound_is_named(vacuumed: Direction) -> None:
    """Autovacuum to prevent wraparound does not yield: it is named as the holder, and nothing changes."""
    shop = vacuumed.shop
    shop.sql.execute("UPDATE artworks SET pet_name = pet_name")
    shop.sql.execute("SET synchronous_commit = off")
    shop.sql.execute("DO $$ BEGIN FOR round IN 1..101000 LOOP PERFORM PG_CURRENT_XACT_ID(); COMMIT; END LOOP; END $$")
    shop.sql.execute(f"ALTER TABLE artworks SET ({SLOWLY}, autovacuum_freeze_max_age = 100000)")
    before, made = application_side(shop), vacuumed.plan()
    wait_until(lambda: holds_artworks(shop, "autovacuum: %(to prevent wraparound)"))
    with pytest.raises(LockNotObtained, match=r"pid \d+ \(autovacuum worker, active, open for \d+ s\)"):
        vacuumed.do(made, patience=0)
    assert before == application_side(shop)


# After the commit


@LONG
def test_a_step_after_the_commit_that_waits_in_vain_names_who_is_in_its_way(direction: Direction) -> None:
    """A step after the commit without its lock names the holder and keeps the new phase; the next run does the steps left."""
    made, shop = direction.plan(), direction.shop
    direction.commit(made)
    before = ledger_row(shop)
    with holding(shop, "LOCK TABLE public.orders IN SHARE UPDATE EXCLUSIVE MODE") as session:
        with pytest.raises(OldTransactions, match=re.escape(f"run {direction.verb} again")) as caught:
            direction.finish(patience=0.3)
        assert session.info.backend_pid in [holder.pid for holder in caught.value.holders]
    with shop.database.transaction("ending") as connection:
        ledger.end_run(connection, before[0], outcome=caught.value.end, phase_after=None)
    assert (*before[:3], "Lock not obtained") == ledger_row(shop)
    assert any("validated" in step for step in direction.finish())


def ledger_row(shop: Shop) -> tuple[Any, ...]:
    """The run that brought the phase: its number, the phase, since when, the outcome."""
    question = "SELECT run, phase_after, ended_at, outcome FROM artwork_migration.phase_history WHERE phase_after IS NOT NULL"
    (row,) = shop.rows(f"{question} ORDER BY run DESC LIMIT 1")
    return row


# What the application waits for

#: Under the locks: waits until a session waits for us, and a little longer.
UNTIL_SOMEBODY_WAITS = """
    DO $$ BEGIN
      WHILE NOT EXISTS (SELECT FROM pg_locks AS l WHERE l.relation = TO_REGCLASS('public.artworks') AND NOT l.granted) LOOP
        PERFORM PG_SLEEP(0.002);
      END LOOP;
      PERFORM PG_SLEEP(0.05);
    END $$
"""


@first(1)
def test_what_a_session_waited_for_is_in_the_ledger(direction: Direction) -> None:
    """Each attempt is recorded statement by statement: the failed one with the lock that it did not get, the last one with who waited."""
    shop, plan = direction.shop, direction.plan()
    made = with_row(plan, under_the_locks(plan), UNTIL_SOMEBODY_WAITS)
    attempts, done, waits = itertools.count(1), threading.Event(), [0.0]

    def write() -> None:
        with psycopg.connect(shop.server.conninfo(shop.name), autocommit=True, prepare_threshold=None) as writer:
            while not done.is_set():
                begun = time.monotonic()
                writer.execute("UPDATE public.artworks SET pet_name = pet_name WHERE ctid = '(0,1)'")
                waits.append(time.monotonic() - begun)

    with holding(shop, "LOCK TABLE public.artworks IN ROW SHARE MODE") as session, ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            direction.commit(made, meanwhile=lambda: next(attempts) == 2 and session.rollback())
        finally:
            done.set()
        writing.result(BOUND)
    with shop.database.transaction("reading") as connection:
        first, *_, last = ledger.lock_attempts(connection, shop.value("SELECT MAX(run) FROM artwork_migration.phase_history"))
        verb, line = newest_stall(connection) or ("", "")
    assert ("55P03", None, "committed") == (first.outcome, first.longest_wait, last.outcome)
    assert first.seconds >= first.lock_wait > first.statements[-1]["seconds"] * 0.99
    assert first.lock_wait > execution.LOCK_BUDGET_MS / 1000 / 2
    assert [row.object for row in made.statements if row.stage == "locked"] == [row["object"] for row in last.statements]
    assert last.seconds > sum(row["seconds"] for row in last.statements) > last.lock_wait
    assert last.longest_wait is not None
    assert last.seconds > last.longest_wait > 0.05
    assert max(waits) > last.longest_wait * 0.9
    assert "a row of the test's" in [row["object"] for row in last.slowest]  # on a busy machine another one may be slower
    assert verb.startswith(direction.verb.name)
    assert "another session had waited for 0." in line
    assert "failed attempt" in line


def test_a_stall_that_cannot_be_read_is_left_out(migrated: Shop) -> None:
    """The switch is committed by then: it ends without the sentence about the wait, not with an error."""
    migrated.sql.execute("ALTER TABLE artwork_migration.lock_attempt RENAME TO away")
    with running(migrated) as run:
        assert "" == stall(run)


@LONG
def test_an_attempt_that_took_too_long_names_its_slowest_statements(direction: Direction) -> None:
    """An attempt that the server cancels under the locks is repeated, and its message has the statements that took the time."""
    direction.shop.sql.execute("CREATE SEQUENCE attempts")
    plan, messages = direction.plan(), list[str]()
    slow = with_row(plan, under_the_locks(plan), "SELECT PG_SLEEP(CASE NEXTVAL('public.attempts') WHEN 1 THEN 9 ELSE 0 END)")
    direction.execute(slow, on_attempt=messages.append)
    assert re.match(r"attempt 1: canceled after 0\.\d+ s under the locks, nothing changed; slowest: a row of the test's 0\.", messages[0])


def test_too_much_to_do_under_the_locks_ends_the_run_and_blames_no_session(direction: Direction) -> None:
    """Where the last attempt had its locks and was canceled, the end says what took the time, and names no session to be ended."""
    plan = direction.plan()
    with pytest.raises(LockNotObtained, match=r"too much to do under them\..* slowest: a row of the test's 0\.") as caught:
        direction.execute(with_row(plan, under_the_locks(plan), "SELECT PG_SLEEP(9)"), patience=0)
    assert "pg_terminate_backend" not in str(caught.value)


# The limits in force

LOOK = (
    "INSERT INTO public.in_force (limits) SELECT JSONB_OBJECT_AGG(s.name, s.setting::int) FROM pg_catalog.pg_settings AS s"
    " WHERE s.name IN ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'deadlock_timeout')"
)


@first(1)
def test_the_limits_are_in_force_behind_every_row(direction: Direction) -> None:
    """Under the locks each row has what is left of one budget; statement and commit together take less than half of deadlock_timeout."""
    direction.shop.sql.execute("CREATE TABLE in_force (number serial, limits jsonb)")
    made = direction.plan()
    locked = places(made, "locked")
    for place in (locked[-1], under_the_locks(made), locked[0]):
        made = with_row(made, place, LOOK)
    direction.execute(made)
    limits = [row for (row,) in direction.shop.rows("SELECT limits FROM in_force ORDER BY number")]
    left = [limit["lock_timeout"] for limit in limits]
    assert len(left) == 3
    assert execution.LOCK_BUDGET_MS >= left[0] >= left[1] >= left[2] > 0
    for limit in limits:
        statement, commit = limit["statement_timeout"], limit["idle_in_transaction_session_timeout"]
        assert min(statement, commit) > 0
        assert statement + commit < limit["deadlock_timeout"] / 2

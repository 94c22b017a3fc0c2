"""A server that dies in the switch or in the way back from it: its backends one by one, and the postmaster."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration.errors import DatabaseUnreachable
from migration.ledger.phases import SWITCH_OVER
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.databases import Shop, reconcile_now
from tests.directions import DIRECTIONS, Direction, digest, each_row, locks_left, places, under_the_locks, with_row
from tests.interleaving import Step
from tests.restarts import answers, kill_server
from tests.series import LONG
from tests.waiting import wait_until

#: The backend's child process shoots it: no handler of its own runs. The statement's limit would end a child that is slow to start.
SHOT = "SET LOCAL statement_timeout = 0; COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'; SELECT PG_SLEEP(60)"
#: Under the locks, until the statement's own time limit; the next attempt comes here again.
LINGERS = "SELECT PG_ADVISORY_XACT_LOCK_SHARED(78), PG_SLEEP(60)"


@pytest.fixture(scope="module")
def fragile() -> Iterator[EmbeddedServer]:
    """A server of this file's own."""
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        EmbeddedServer(Path(folder) / "d", settings={"fsync": "off"}) as server,
    ):
        yield server


@pytest.fixture(params=DIRECTIONS, ids=str)
def direction(request: pytest.FixtureRequest, fragile: EmbeddedServer, make_shop: MakeShop) -> Iterator[Direction]:
    """Both directions, on a database that may lose its server."""
    yield Direction.ready(make_shop(phase="MIGRATED", on=fragile), request.param)
    answers(fragile)


def is_cut(session: psycopg.Connection[Any]) -> bool:
    """Whether the server has ended this session."""
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def again(direction: Direction) -> Direction:
    """The same way with connections that live, once the server has let go of the old ones and is back."""
    wait_until(lambda: is_cut(direction.shop.sql))
    direction.shop.close()
    answers(direction.shop.server)
    return Direction(Shop(direction.shop.server, direction.shop.name), direction.verb)


@each_row(24, 3, SWITCH_OVER)
@LONG
def test_a_backend_that_is_killed_among_the_rows_has_changed_nothing(direction: Direction, nth: int) -> None:
    """The server restarts behind a row; catalog, rows, ledger and dump are what they were, and the next run finishes."""
    dump, made, before = direction.shop.schema_dump(), direction.plan(), digest(direction.shop)
    for place in places(made, "prepare", "fenced", "locked")[::-nth]:
        with pytest.raises(DatabaseUnreachable):
            direction.execute(with_row(made, place, SHOT))
        direction = again(direction)
        assert [] == locks_left(direction.shop), made.statements[place].object
    assert before == digest(direction.shop)
    assert dump == direction.shop.schema_dump()
    finishes(direction)


def finishes(direction: Direction) -> None:
    """Run again it does all of it, and both sides agree."""
    direction.do()
    assert direction.leads_to is direction.phase()
    if direction.verb.goes_back:
        assert set(reconcile_now(direction.shop)) <= {"match", "excluded", "quarantined"}


@LONG
def test_a_postmaster_that_is_killed_under_the_locks_has_changed_nothing(direction: Direction) -> None:
    """A postmaster killed under the locks leaves everything as it was, and the next run finishes."""
    made, before = direction.plan(), digest(direction.shop)
    work = Step(direction.shop, lambda: direction.execute(with_row(made, under_the_locks(made), LINGERS)))
    wait_until(lambda: direction.shop.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 78"))
    kill_server(direction.shop.server)
    with pytest.raises(DatabaseUnreachable):
        work.result()
    direction = again(direction)
    assert before == digest(direction.shop)
    finishes(direction)


@LONG
def test_a_postmaster_that_is_killed_right_after_the_commit_keeps_it(direction: Direction) -> None:
    """A postmaster killed right after the commit keeps what was committed, and the next run does the steps left."""
    direction.commit()
    left, after = direction.steps_left(), digest(direction.shop)
    kill_server(direction.shop.server)
    direction = again(direction)
    assert (direction.leads_to, after) == (direction.phase(), digest(direction.shop))
    assert left == direction.finish()
    assert [] == direction.steps_left()

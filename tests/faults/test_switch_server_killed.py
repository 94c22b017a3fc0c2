"""A server that dies in the switch or in the way back from it: its backends one by one, and the postmaster."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration.errors import DatabaseUnreachable
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.interleaving import Step
from tests.shops import Shop, reconcile_now
from tests.waiting import wait_until
from tests.ways import WAYS, Way, digest, locks_left, places, under_the_locks, with_row

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


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest, fragile: EmbeddedServer, make_shop: MakeShop) -> Iterator[Way]:
    """Both directions, on a database that may lose its server."""
    yield Way.ready(make_shop(phase="MIGRATED", on=fragile), request.param)
    answers(fragile)


def answers(server: EmbeddedServer) -> None:
    """Wait until the server takes connections again."""

    def takes_connections() -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(server.conninfo("postgres")).close()
            return True
        return False

    wait_until(takes_connections)


def is_cut(session: psycopg.Connection[Any]) -> bool:
    """Whether the server has ended this session."""
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def again(way: Way) -> Way:
    """The same way with connections that live, once the server has let go of the old ones and is back."""
    wait_until(lambda: is_cut(way.shop.sql))
    way.shop.close()
    answers(way.shop.server)
    return Way(Shop(way.shop.server, way.shop.name), way.verb)


@pytest.mark.parametrize("nth", [pytest.param(24, id="each 24th row"), pytest.param(3, marks=pytest.mark.exhaustive, id="each third row")])
def test_a_backend_that_is_killed_among_the_rows_has_changed_nothing(way: Way, nth: int) -> None:
    """The server restarts behind a row; catalog, rows, ledger and dump are what they were, and the next run finishes."""
    dump, made, before = way.shop.schema_dump(), way.plan(), digest(way.shop)
    for place in places(made, "prepare", "locked")[::-nth]:
        with pytest.raises(DatabaseUnreachable):
            way.execute(with_row(made, place, SHOT))
        way = again(way)
        assert [] == locks_left(way.shop), made.statements[place].object
    assert before == digest(way.shop)
    assert dump == way.shop.schema_dump()
    finishes(way)


def finishes(way: Way) -> None:
    """Run again it does all of it, and both sides agree."""
    way.do()
    assert way.leads_to is way.phase()
    if way.verb.goes_back:
        assert set(reconcile_now(way.shop)) <= {"match", "excluded", "quarantined"}


def test_a_postmaster_that_is_shot_under_the_locks_has_changed_nothing(way: Way) -> None:
    """A postmaster killed under the locks leaves everything as it was, and the next run finishes."""
    made, before = way.plan(), digest(way.shop)
    work = Step(way.shop, lambda: way.execute(with_row(made, under_the_locks(made), LINGERS)))
    wait_until(lambda: way.shop.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 78"))
    shoot(way.shop.server)
    with pytest.raises(DatabaseUnreachable):
        work.result()
    way = again(way)
    assert before == digest(way.shop)
    finishes(way)


def test_a_postmaster_that_is_shot_right_after_the_commit_keeps_it(way: Way) -> None:
    """A postmaster killed right after the commit keeps what was committed, and the next run does the steps left."""
    way.commit()
    left, after = way.steps_left(), digest(way.shop)
    shoot(way.shop.server)
    way = again(way)
    assert (way.leads_to, after) == (way.phase(), digest(way.shop))
    assert left == way.finish()
    assert [] == way.steps_left()


def shoot(server: EmbeddedServer) -> None:
    """kill -9 the postmaster, and start the server on the same data again when its children have gone."""
    pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    children = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if _parent(path) == pid]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    server.stop()
    server.start()


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0

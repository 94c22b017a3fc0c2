"""A server that goes away, comes back as a standby, or is full while a verb is at work: the run's end is true, and the next run resumes."""

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import pytest
from sqlalchemy import text

from migration.database import Database
from migration.errors import (
    ConnectionLost,
    DatabaseError,
    DatabaseUnreachable,
    MigrationError,
    NotFinished,
    OutcomeUnknown,
    PrerequisitesNotMet,
)
from migration.ledger.runs import Approval, Run
from migration.plans.plan import Plan
from migration.settings import database_url
from sample.binaries import binary_directory, give_to, system_user
from sample.server import EmbeddedServer
from tasks.plans import execute_plan, keep_plan
from tasks.verbs import writing
from tests.conftest import MakeShop
from tests.databases import Shop, migrate, running
from tests.directions import DIRECTIONS, Direction
from tests.series import LONG, first
from tests.waiting import wait_until

#: What a message advises only about an address that has never worked.
CHECK_THE_ADDRESS = "ARTWORK_DATABASE_URL"


@pytest.fixture(scope="module")
def fragile() -> Iterator[EmbeddedServer]:
    """A server that may be stopped."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder, EmbeddedServer(Path(folder) / "d", settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture(autouse=True)
def reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No report of a verb is written to the repository."""
    monkeypatch.setenv("ARTWORK_REPORTS", str(tmp_path))


@contextmanager
def stopped(server: EmbeddedServer) -> Iterator[None]:
    """Stop the server, and start it again at the end."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@pytest.fixture(params=DIRECTIONS, ids=str)
def direction(request: pytest.FixtureRequest, fragile: EmbeddedServer, make_shop: MakeShop) -> Direction:
    """The switch and the rollback from it, ready to begin."""
    return Direction.ready(make_shop(phase="MIGRATED", on=fragile), request.param)


def end_of(direction: Direction, work: Callable[[Run, Plan], object], monkeypatch: pytest.MonkeyPatch, url: str = "") -> MigrationError:
    """How a run ends that plans, is approved and does this work, as the flows do it."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", url or direction.shop.url)
    plan = direction.plan()
    with pytest.raises(MigrationError) as caught, writing(direction.verb) as run:
        run.repeats = 0  # repeated, the step would succeed once the server is back
        run.require_phase()
        keep_plan(run, plan)
        run.begin(Approval(plan.number, "test", "test"))
        work(run, plan)
    return caught.value


# How a run ends that loses its server


@LONG
def test_a_server_that_stops_before_the_run_begins_to_write(direction: Direction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the record of the run can have been changed when it begins, and an address that has just worked is not doubted."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", direction.shop.url)
    direction.shop.close()
    with pytest.raises(DatabaseUnreachable) as caught, writing(direction.verb) as run, stopped(direction.shop.server):
        run.begin()
    assert ("Refused", 3) == (caught.value.end, caught.value.exit_code)
    assert "Nothing was changed, except that this run may be recorded as begun." in str(caught.value)
    assert CHECK_THE_ADDRESS not in str(caught.value)


@LONG
def test_an_api_that_stops_while_the_run_works(direction: Direction, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that Prefect's API leaves alone ends in words, and its end is in the ledger."""

    def lose_the_api(*_: object) -> None:
        raise httpx.ConnectError("no server listens there")

    error = end_of(direction, lose_the_api, monkeypatch)
    assert str(error).startswith("Prefect's API does not respond, so the run could not continue. What was committed before stays.")
    newest = "SELECT outcome FROM artwork_migration.phase_history ORDER BY run DESC LIMIT 1"
    assert ("Failed", "Failed") == (error.end, direction.shop.value(newest))


@LONG
def test_a_server_that_stops_before_the_commit(direction: Direction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the commit the phase is still the old one, the end names what was done at that moment, and the next run resumes."""
    before = direction.phase()

    def work(run: Run, plan: Plan) -> None:
        direction.shop.close()
        with stopped(direction.shop.server):
            run.database.write("doing it", lambda connection: connection.execute(text("SELECT 1")))

    error = end_of(direction, work, monkeypatch)
    assert ("Connection lost", 3) == (error.end, error.exit_code)
    assert str(error).startswith("doing it: ")
    assert f"The phase is still {before}: {before.serves}. What was committed before stays." in str(error)
    assert f"run {direction.verb} again" in str(error)
    assert CHECK_THE_ADDRESS not in str(error)
    again = Direction(Shop(direction.shop.server, direction.shop.name), direction.verb)
    assert before is again.phase()
    again.do()
    assert again.leads_to is again.phase()


@first(1)
def test_a_server_that_stops_right_after_the_commit(direction: Direction, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the commit no end says that nothing was changed: it names the new phase, and the next run does the steps that are left."""

    def work(run: Run, plan: Plan) -> None:
        execute_plan(run, plan)
        direction.shop.close()
        direction.shop.server.stop()
        run.database.write("doing a step", lambda connection: connection.execute(text("SELECT 1")))

    try:
        error = end_of(direction, work, monkeypatch)
    finally:
        direction.shop.server.start()
    assert ("Committed – not finished", 3) == (error.end, error.exit_code)
    assert "Nothing was changed" not in str(error)
    assert f"{direction.verb} was committed before: the phase is {direction.leads_to}" in str(error)
    assert f"run {direction.verb} again" in str(error)
    again = Direction(Shop(direction.shop.server, direction.shop.name), direction.verb)
    assert again.leads_to is again.phase()
    left = again.steps_left()
    assert left
    assert left == again.finish()


#: A part of the statement that records a phase, and what the driver sends for a commit: a simple query.
_BRINGS_A_PHASE = b"PG_CURRENT_WAL_LSN()"
_COMMIT = b"Q\0\0\0\x0bCOMMIT\0"


@dataclass(frozen=True)
class Cut:
    """Where the connection is cut: before the server gets the COMMIT, or before the client gets its answer; and whether it `stays` cut."""

    before: Literal["request", "answer"]
    stays: bool


class Wire:
    """A connection to a server by TCP that can be cut at the COMMIT of a phase: before the server gets it, or before its answer arrives."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._socket = f"{server.socket_directory}/.s.PGSQL.{server.port}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cut: Cut | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._socket)
                threading.Thread(target=self._carry, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._carry, args=(server, client, False), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        brings = False
        with suppress(OSError):
            while data := source.recv(65536):
                brings |= asks and _BRINGS_A_PHASE in data
                if brings and self.cut and data == _COMMIT:
                    self._cut(data, source, target)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _cut(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        cut, self.cut = self.cut, None
        assert cut
        if cut.stays:
            self.close()
        if cut.before == "answer":
            client.shutdown(socket.SHUT_RDWR)
            server.sendall(data)
            time.sleep(0.5)  # the server commits; it has nobody to tell
        raise OSError


@pytest.fixture
def wire(fragile: EmbeddedServer) -> Iterator[Wire]:
    """The way to that server."""
    it = Wire(fragile)
    yield it
    it.close()


@first(1)
@pytest.mark.parametrize(
    ("cut", "kind"),
    [
        pytest.param(Cut(before="answer", stays=True), OutcomeUnknown, id="committed, and the server stays away"),
        pytest.param(Cut(before="request", stays=True), OutcomeUnknown, id="not committed, and the server stays away"),
        pytest.param(Cut(before="answer", stays=False), NotFinished, id="committed, and the server is back"),
        pytest.param(Cut(before="request", stays=False), ConnectionLost, id="not committed, and the server is back"),
    ],
)
def test_a_connection_that_is_cut_in_the_commit(
    direction: Direction,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    cut: Cut,
    kind: type[MigrationError],
) -> None:
    """Without an answer to the COMMIT the end says what the ledger says, or that the outcome is unknown and `status` shows it."""
    before = direction.phase()
    # the time limits of the plan follow it: the wire is slow on a busy machine
    direction.shop.sql.execute(f"ALTER DATABASE {direction.shop.name} SET deadlock_timeout = '20s'")

    def work(run: Run, plan: Plan) -> None:
        wire.cut = cut
        execute_plan(run, plan)

    error = end_of(direction, work, monkeypatch, f"postgresql://postgres@127.0.0.1:{wire.port}/{direction.shop.name}")
    assert kind is type(error), str(error)
    assert "Nothing was changed" not in str(error)
    wait_until(lambda: direction.phase() is (direction.leads_to if cut.before == "answer" else before))
    if kind is OutcomeUnknown:
        assert f"the phase is {direction.leads_to} or still {before}" in str(error)
        assert "run `artwork-migration status`" in str(error)
    if cut.before == "request":
        direction.do()
    else:
        direction.finish()
    assert direction.leads_to is direction.phase()


# What the server lacks


def test_a_server_that_comes_back_as_a_standby(make_shop: MakeShop, fragile: EmbeddedServer) -> None:
    """A standby is named by the prerequisite of every verb, and by the error of a write that was at work; nothing is written."""
    shop = make_shop(phase="DEPLOYED", on=fragile)
    signal = fragile.data / "standby.signal"
    shop.close()
    fragile.stop()
    signal.touch()
    give_to(system_user(binary_directory(18)), signal)
    fragile.start()
    shop = Shop(fragile, shop.name)
    try:
        with pytest.raises(PrerequisitesNotMet) as refused, running(shop):
            pass
        assert ["standby"] == [problem.rule for problem in refused.value.problems]
        with pytest.raises(DatabaseError) as caught:
            shop.database.write("doing it", lambda connection: connection.execute(text("CREATE TABLE public.of_a_standby ()")))
        assert ("25006", "Failed") == (caught.value.sqlstate, caught.value.end)
        assert "because it is a standby" in str(caught.value)
        assert "to the primary server" in str(caught.value)
    finally:
        shop.close()
        fragile.stop()
        signal.unlink()
        fragile.start()


@pytest.mark.parametrize(("name", "value"), [("idle_session_timeout", "9min"), ("default_transaction_read_only", "on")])
def test_a_setting_that_changed_since_the_plan_is_named(make_shop: MakeShop, name: str, value: str) -> None:
    """A limit that somebody has set after the deployment refuses a verb without a plan by its name, with the statement that resets it."""
    shop = make_shop(phase="DEPLOYED")
    shop.sql.execute(f"ALTER DATABASE {shop.name} SET {name} = '{value}'")
    shop.database.dispose()
    with pytest.raises(PrerequisitesNotMet) as caught, running(shop):
        pass
    (problem,) = caught.value.problems
    assert f"setting {name}" == problem.subject
    assert f"SET {name} = " in problem.statement


def test_a_run_at_work_outlives_idle_session_timeout(make_shop: MakeShop) -> None:
    """A limit for idle sessions that is set while a run is at work ends neither the session with its lock nor the run."""
    shop = make_shop(phase="DEPLOYED")
    shop.sql.execute(f"ALTER ROLE postgres IN DATABASE {shop.name} SET idle_session_timeout = '100ms'")
    database = Database(database_url(shop.url), name="test")
    with database.autocommit("holding") as connection:
        database.write("doing it", lambda connection: connection.execute(text("SELECT 1")))
        time.sleep(0.5)
        database.write("doing it", lambda connection: connection.execute(text("SELECT 1")))
        assert 1 == connection.execute(text("SELECT 1")).scalar_one()
    database.dispose()


@pytest.fixture
def small_disk(fragile: EmbeddedServer) -> Iterator[Path]:
    """A file system in memory with little room, for a tablespace of that server."""
    folder = Path(tempfile.mkdtemp(prefix="small"))
    if (
        shutil.which("mount") is None
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], check=False).returncode
    ):
        folder.rmdir()
        pytest.skip("no file system can be mounted here")
    give_to(system_user(binary_directory(18)), folder)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


def test_a_full_disk(make_shop: MakeShop, fragile: EmbeddedServer, small_disk: Path) -> None:
    """A full disk ends the run with its step, what it means and the way on; with more room the next run resumes and every row agrees."""
    shop = make_shop(phase="DEPLOYED", on=fragile)
    shop.sql.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
    shop.sql.execute("ALTER TABLE public.artworks_v2 SET TABLESPACE small")
    with pytest.raises(DatabaseError) as caught:
        migrate(shop)
    assert ("53100", "Failed") == (caught.value.sqlstate, caught.value.end)
    assert str(caught.value).startswith("copying a chunk failed with SQLSTATE 53100 (DiskFull): the disk of the server is full.")
    assert "What was committed before stays" in str(caught.value)
    assert "make room on the disk of the server, then run the verb again; it resumes." in str(caught.value)
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert set(migrate(shop)) <= {"match", "excluded", "quarantined"}
    shop.sql.execute("ALTER TABLE public.artworks_v2 SET TABLESPACE pg_default")
    shop.sql.execute("DROP TABLESPACE small")


def test_a_server_without_a_connection_left(make_shop: MakeShop) -> None:
    """Too many connections are named, whether the first connection is refused or a further one."""
    shop = make_shop()
    shop.sql.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 1")
    try:
        database = Database(database_url(shop.server.url(shop.name, user="crowded")), name="test")
        with database.transaction("holding"):
            with pytest.raises(DatabaseError) as further, database.transaction("asking"):
                pass
            other = Database(database.url, name="test")
            with pytest.raises(DatabaseUnreachable) as first, other.transaction("asking"):
                pass
        database.dispose()
    finally:
        shop.sql.execute("DROP OWNED BY crowded; DROP ROLE crowded")
    assert ("53300", "Failed") == (further.value.sqlstate, further.value.end)
    for error in (further.value, first.value):
        assert "the server has no connection left" in str(error)
        assert "raise the limit of connections" in str(error)


def test_a_server_that_is_starting_up() -> None:
    """A server that does not take connections yet is reported as such, and its address is not doubted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_start_up, args=(listener,), daemon=True).start()
        database = Database(database_url(f"postgresql://postgres@127.0.0.1:{listener.getsockname()[1]}/shop"), name="test")
        with pytest.raises(DatabaseUnreachable) as caught, database.transaction("asking"):
            pass
    assert "the server is starting up, shutting down, or in recovery. Nothing was changed." in str(caught.value)
    assert "To fix: wait until it accepts connections." in str(caught.value)


def _start_up(listener: socket.socket) -> None:
    """Answer as a server does in recovery: no encryption, and then that it is starting up."""
    fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            while (request := client.recv(1024)) and len(request) == 8:
                client.sendall(b"N")
            client.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
            client.close()

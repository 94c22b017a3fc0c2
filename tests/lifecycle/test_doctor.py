"""The doctor: for each of its lines a case in which it has something to do."""

import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL
from prefect.settings.context import temporary_settings

from cli.doctor import NOT_CHECKED, Line, examine
from cli.registration import register_automations
from cli.worker import POOL
from tests.databases import Shop
from tests.lifecycle.conftest import Alone, point_to, printed

DATABASE = ("database", "pooler", "version", "role", "timeouts", "tables", "connections", "standbys and slots")
PREFECT = ("Prefect API", "worker", "schedule", "automations")
STRANGER = "doctor_stranger"
#: What is done to the shop, for each line about the server that has to report it, and a part of what it reports.
HARM = {
    "timeouts": ("ALTER DATABASE {0} SET idle_session_timeout = '1h'", "ALTER ROLE postgres IN DATABASE {0} SET idle_session_timeout = 0"),
    "tables": ("CREATE TABLE public.artworks_v2 ()", "artworks_v2"),
    "connections": ("ALTER DATABASE {0} CONNECTION LIMIT 5", "of 5 connections are in use"),
    "standbys and slots": (
        "SELECT PG_CREATE_PHYSICAL_REPLICATION_SLOT('doctor', TRUE), PG_LOGICAL_EMIT_MESSAGE(FALSE, 'test', REPEAT('x', 8000000))",
        "standby with slot doctor",
    ),
}


@pytest.fixture
def examined(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], dict[str, Line]]]:
    """`examined()` gives the lines about the shop by their checks. No slot is left behind."""
    point_to(shop, monkeypatch, tmp_path)
    monkeypatch.setenv("ARTWORK_MAX_REPLICA_LAG_MB", "1")
    yield lambda: {line.check: line for line in examine()}
    shop.sql.execute("SELECT PG_DROP_REPLICATION_SLOT(slot_name) FROM pg_replication_slots WHERE slot_name = 'doctor'")
    shop.sql.execute(f"DROP ROLE IF EXISTS {STRANGER}")


def test_each_line_about_the_server_has_something_to_do(shop: Shop, examined: Callable[[], dict[str, Line]]) -> None:
    """A sound database has nothing to do. Each harm is reported by its line, with the remedy, and by no other."""
    assert [] == [line for check, line in examined().items() if check in DATABASE and not line.good]
    for statement, _ in HARM.values():
        shop.sql.execute(statement.format(shop.name))
    lines = examined()
    assert set(HARM) == {check for check in DATABASE if not lines[check].good}
    for check, (_, reported) in HARM.items():
        assert reported.format(shop.name) in " ".join(lines[check].to_do)
        assert "To fix: " in " ".join(lines[check].to_do)


def test_a_ledger_of_another_version(shop: Shop, examined: Callable[[], dict[str, Line]]) -> None:
    """It is the first thing to do, and nothing that only its own version can read is reported as found."""
    shop.sql.execute("CREATE SCHEMA artwork_migration; CREATE TABLE artwork_migration.phase_history (layout bigint DEFAULT 7)")
    lines = examined()
    assert "its layout is 7" in " ".join(lines["version"].to_do)
    assert [NOT_CHECKED] * 2 == [lines[check].found for check in ("tables", "standbys and slots")]


def test_a_role_that_owns_nothing(shop: Shop, examined: Callable[[], dict[str, Line]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that does not own artworks is reported by the line of the role."""
    shop.sql.execute(f"CREATE ROLE {STRANGER} LOGIN")
    monkeypatch.setenv("ARTWORK_DATABASE_URL", shop.url.replace("postgres@", f"{STRANGER}@"))
    assert "GRANT the owning role" in " ".join(examined()["role"].to_do)


def test_a_database_in_another_encoding(shop: Shop, examined: Callable[[], dict[str, Line]], monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes before everything else is reported alone: the lines behind it were not checked, and do not claim to be good."""
    shop.sql.execute("CREATE DATABASE doctor_ascii TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'")
    try:
        monkeypatch.setenv("ARTWORK_DATABASE_URL", shop.server.url("doctor_ascii"))
        lines = examined()
    finally:
        shop.server.drop_database("doctor_ascii")
    assert "UTF8" in " ".join(lines["version"].to_do)
    assert [NOT_CHECKED] * 3 == [lines[check].found for check in ("role", "timeouts", "tables")]


def test_a_transaction_pooler(shop: Shop, examined: Callable[[], dict[str, Line]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The port of a transaction pooler is reported by the line of the pooler."""
    with tempfile.TemporaryDirectory() as folder:  # in which the server has that port
        Path(folder, ".s.PGSQL.6543").symlink_to(shop.server.socket_directory / f".s.PGSQL.{shop.server.port}")
        monkeypatch.setenv("ARTWORK_DATABASE_URL", f"postgresql://postgres@/{shop.name}?host={folder}&port=6543")
        assert "Give the address of the server or of a session pooler" in " ".join(examined()["pooler"].to_do)


def test_no_database_no_prefect_and_no_folder(alone: Alone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each line says what to do or that it could not be checked; the exit code is that of a database that cannot be reached."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("ARTWORK_DATABASE_URL", "postgresql://nobody:geheim@127.0.0.1:1/shop")
    monkeypatch.setenv("ARTWORK_REPORTS", str(tmp_path / "file" / "reports"))
    done = alone("artwork-migration doctor --json")
    found = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert (3, False, "") == (done.returncode, json.loads(done.stdout)["good"], done.stderr)
    assert {*DATABASE, *PREFECT, "reports"} == {check for check, line in found.items() if not line["good"]}
    assert "no server listens there" in found["database"]["to_do"][0]
    assert "no server is known" in found["Prefect API"]["found"]
    assert "Set ARTWORK_REPORTS to a folder that can" in found["reports"]["to_do"][0]
    assert {NOT_CHECKED} == {found[check]["found"] for check in (*DATABASE[1:], *PREFECT[1:])}
    assert "geheim" not in done.stdout


@pytest.mark.usefixtures("examined", "prefect_server")
def test_a_server_on_which_nothing_is_registered() -> None:
    """Without a worker, a deployment of verify and automations, each of their lines names `register`: `up` did not start this server.

    Where only the worker is missing, its line says how to start one. An automation that an operator has disabled is named, and is nothing
    to do.
    """
    with get_client(sync_client=True) as client:  # what another test may have registered
        with suppress(ObjectNotFound):
            client.delete_deployment(client.read_deployment_by_name("verify/verify").id)
        with suppress(ObjectNotFound):
            client.delete_work_pool(POOL)
    code, lines = lines_printed()
    assert 1 == code
    assert lines["Prefect API"].startswith("✓")
    for check in PREFECT[1:]:
        assert (True, True) == (lines[check].startswith("✗"), "Run `artwork-migration register`" in lines[check]), lines
    assert 1 == lines["automations"].count("automations")
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        register_automations(client, None)
        (automation,) = client.read_automations()
        client.pause_automation(automation.id)
        _, lines = lines_printed()
        client.delete_automation(automation.id)
        client.delete_work_pool(POOL)
    assert f"no worker is online. To fix: Run `prefect worker start --pool {POOL}` on" in lines["worker"]
    assert f"- automations        disabled in the UI: {automation.name}" == lines["automations"]


@pytest.mark.usefixtures("examined")
def test_no_prefect_server_is_nothing_to_do() -> None:
    """Where no Prefect server is known, the line says so without failing, because the verbs run without one."""
    with temporary_settings(updates={PREFECT_API_URL: None}):
        code, lines = lines_printed()
    assert (0, True) == (code, lines["Prefect API"].startswith("- Prefect API        no server is known, so nothing is scheduled")), lines


@pytest.mark.usefixtures("examined")
def test_an_address_at_which_nothing_responds() -> None:
    """A server that does not respond is reported as such, with the way to fix it, and without the password in its address."""
    with temporary_settings(updates={PREFECT_API_URL: "http://ada:hidden@127.0.0.1:1/api"}):
        code, lines = lines_printed()
    assert (1, "✗ Prefect API        http://127.0.0.1:1/api: it does not respond. To fix: Correct the address or start the server.") == (
        code,
        lines["Prefect API"],
    )


@pytest.mark.usefixtures("examined")
@pytest.mark.parametrize(
    ("status", "reported"),
    [(200, "it is not a Prefect server that can be used (TypeError)."), (401, "it does not accept this client.")],
)
def test_an_address_at_which_something_else_responds(status: int, reported: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What responds at PREFECT_API_URL and is no Prefect server is reported by the line of the API, and the other lines are there.

    So it is if that server is asked for the database.
    """

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/api"
        with temporary_settings(updates={PREFECT_API_URL: address}):
            code, lines = lines_printed()
            monkeypatch.delenv("ARTWORK_DATABASE_URL")
            asked, others = lines_printed()
        server.shutdown()
    assert (1, 2) == (code, asked)
    assert "No database is set" in others["database"]
    assert f"✗ Prefect API        {address}: {reported} To fix: " in lines["Prefect API"]
    assert {*DATABASE, *PREFECT, "reports"} == set(lines)


def lines_printed() -> tuple[int, dict[str, str]]:
    """The exit code of the doctor, and its lines by their checks."""
    code, text = printed("doctor")
    return code, {line[2:20].strip(): line for line in text.splitlines()}

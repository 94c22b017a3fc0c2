"""One Prefect server for these tests, on the embedded Postgres, and a shop behind a password."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_HOME, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE
from prefect.settings.context import temporary_settings
from typer.main import get_command

from cli.app import app
from cli.prefect_server import PrefectServer, any_free_port
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tests.conftest import ROWS, MakeShop
from tests.databases import Shop, accept_exposure
from tests.documents import words_of
from tests.lifecycle.local_server import PROGRAM, LocalServer

Alone = Callable[[str], subprocess.CompletedProcess[str]]
OperatedIn = Callable[[str], Shop]
#: The server trusts its socket; this is what must not show up.
PASSWORD = "pw-of-the-server-7c2e"  # noqa: S105 (of nobody)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="package")
def prefect_server(server: EmbeddedServer) -> Iterator[PrefectServer]:
    """A real Prefect server with its data in Postgres; the test process is its client. It ends with these tests: it is never idle."""
    server.create_database("prefect")
    with tempfile.TemporaryDirectory(prefix="prefect") as folder, PrefectServer(server.url("prefect"), Path(folder)) as running:
        settings = {
            PREFECT_API_URL: running.api_url,
            PREFECT_HOME: folder,
            PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False,
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # saves a second a flow
        }
        with temporary_settings(updates=settings):
            yield running
            APILogWorker.drain_all(timeout=5)
    server.drop_database("prefect")


@pytest.fixture
def operated_in(make_shop: MakeShop, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> OperatedIn:
    """`operated_in(phase)` gives a shop in that phase, which the flows find in the environment, with a Prefect server to run them on."""

    def make(phase: str) -> Shop:
        shop = make_shop(phase=phase)
        point_to(shop, monkeypatch, tmp_path)
        return shop

    return make


@pytest.fixture
def operated(operated_in: OperatedIn) -> Shop:
    """A shop that is not started."""
    return operated_in("NOT_STARTED")


@pytest.fixture
def deployed(operated_in: OperatedIn) -> Shop:
    """A shop with the clean schema beside its table."""
    return operated_in("DEPLOYED")


@pytest.fixture
def migrated(operated_in: OperatedIn) -> Shop:
    """A migrated shop."""
    return operated_in("MIGRATED")


@pytest.fixture
def switched(operated_in: OperatedIn) -> Shop:
    """A shop on the day of the switch."""
    return operated_in("SWITCHED")


@pytest.fixture(scope="session")
def local_shop(server: EmbeddedServer) -> Iterator[Shop]:
    """The shop that the worker of `local_server` migrates; the plan of deploy_schema has no blockers there."""
    shop = Shop(server, "local_shop")
    server.create_database(shop.name)
    build_sample(server.conninfo(shop.name), Variant.CURRENT, rows=ROWS)
    accept_exposure(shop)
    yield shop
    shop.close()
    server.drop_database(shop.name)


@pytest.fixture(scope="session")
def local_server(local_shop: Shop) -> Iterator[LocalServer]:
    """`artwork-migration up`, done once for a session, beside a program that has the port it asks for."""
    with tempfile.TemporaryDirectory(prefix="up") as folder, socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", any_free_port()))
        neighbour.listen()
        settings = {
            "ARTWORK_DATABASE_URL": local_shop.server.url(local_shop.name, password=PASSWORD),
            "ARTWORK_PREFECT_PORT": str(neighbour.getsockname()[1]),
            "ARTWORK_REPORTS": "reports",
            "COLUMNS": "200",
        }
        made = LocalServer(Path(folder), settings)
        try:
            made.up()
            yield made
        finally:
            made.end()


@pytest.fixture
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def alone(tmp_path: Path) -> Alone:
    """`alone(command)` runs a command where no Prefect server is: neither one of `up` nor one that the environment names."""

    def ended(command: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        return run(
            command, {**inherited, "PREFECT_HOME": str(tmp_path / "home"), "XDG_DATA_HOME": str(tmp_path), "COLUMNS": "200"}, tmp_path
        )

    return ended


def point_to(shop: Shop, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Set the environment that a worker would have."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", shop.url)
    monkeypatch.setenv("ARTWORK_REPORTS", str(folder / "reports"))
    monkeypatch.setenv("ARTWORK_RUN_WAIT_SECONDS", "0.5")
    monkeypatch.setenv("ARTWORK_LOCK_WAIT_SECONDS", "120")


def environment(server: PrefectServer) -> dict[str, str]:
    """The environment of a program of ours that talks to this server.

    The log level is Prefect's own: a command that ran in this process may have set another.
    """
    defaults = {"PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false", "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO"}
    return {**os.environ, **server.environment, **defaults}


def run(command: str, variables: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line of the docs as a program, with these variables and in this folder."""
    return subprocess.run([PROGRAM, *words_of(command)], env=variables, cwd=folder, capture_output=True, text=True, check=False)


def printed(command: str) -> tuple[int, str]:
    """Run a command in this process; its exit code and what it prints."""
    with redirect_stdout(StringIO()) as output:
        code = get_command(app).main(words_of(command), standalone_mode=False)
    return code or 0, output.getvalue()

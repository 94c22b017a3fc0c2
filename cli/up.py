"""A Prefect server, its data and a worker on this machine, for as long as an operator wants them."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import platformdirs
import psutil

from cli.prefect_database import address_file
from cli.prefect_server import api_at, client_environment, is_ready, next_free_port, server_command, server_environment, ui_of
from cli.processes import Service
from migration.database import Database
from migration.errors import DatabaseUnreachable
from migration.settings import Settings, database_url, read_settings

FOLDER = Path(platformdirs.user_data_path("artwork-migration")) / "server"
HOME = FOLDER / "home"
SERVICES = DATABASE, SERVER, WORKER = Service(FOLDER, "database"), Service(FOLDER, "prefect"), Service(FOLDER, "worker")
#: Tells the operator something: a label, and what there is to say.
Say = Callable[[str, str], None]


def bring_up(say: Say) -> None:
    """Start what does not run, make known what is not known, and say where everything is.

    What runs stays as it is, but for an idle worker that is to have other settings. Raises BadInput and DatabaseUnreachable
    before anything is started, NotUp after that.
    """
    settings = read_settings()
    for url in (settings.database_url, settings.prefect_database_url):
        if url:
            database_url(url.get_secret_value())
    with _alone():
        before = [service.find() for service in SERVICES]
        api = _ensure_server(settings, say)
        client = client_environment(api, HOME)
        os.environ.update(client)
        from cli.registration import register  # only now: Prefect reads its environment when it is imported
        from cli.worker import ensure_worker, to_migrate

        say("deployments", ", ".join(register()))
        ensure_worker(WORKER, client, say)
        started = [service.name for service, was in zip(SERVICES, before, strict=True) if service.find() != was]
    say("to migrate", to_migrate(WORKER))
    say("logs", f"{FOLDER}/*.log")
    say("started", ", ".join(started) or "nothing, it was already up")
    say("Prefect UI", ui_of(api))


def take_down(say: Say) -> None:
    """Stop what `up` started: the runs at work first, so that they end as Crashed, then worker, server and database."""
    with _alone():
        runs = WORKER.children()
        for run in runs:
            with suppress(psutil.NoSuchProcess):
                run.terminate()
        psutil.wait_procs(runs, timeout=30)
        stopped = [service.name for service in reversed(SERVICES) if service.stop()]
    if runs:
        say("runs", f"{len(runs)} at work were ended; start them again, they go on where they were")
    say("stopped", ", ".join(stopped) or "nothing, it was not up")


def running_ui() -> str | None:
    """Where the UI is, if the server is up."""
    api = running_api()
    return ui_of(api) if api else None


def running_api() -> str | None:
    """Where the API is, if the server is up."""
    return SERVER.variable("PREFECT_API_URL")


def _ensure_server(settings: Settings, say: Say) -> str:
    """Have it run, and its database; the address of its API."""
    running = running_api()
    if running and not DATABASE.has_died() and SERVER.is_up(partial(is_ready, running)):
        return running
    SERVER.stop()
    port = next_free_port(settings.prefect_port)
    if port != settings.prefect_port:
        say("port", f"{port}, because another program has {settings.prefect_port}; ARTWORK_PREFECT_PORT chooses another")
    api, data = api_at(port), _prefect_database(settings, say)
    SERVER.start(server_command(port), server_environment(api, HOME, data), partial(is_ready, api))
    return api


def _prefect_database(settings: Settings, say: Say) -> str:
    """The URL of the database for Prefect's own data: the one that is set, or else one on a Postgres of ours, which is up then."""
    if settings.prefect_database_url:
        url = settings.prefect_database_url.get_secret_value()
        say("Prefect's data", _address(url))
        return url
    folder = FOLDER / "postgres"
    folder.mkdir(exist_ok=True)
    address = address_file(folder)
    if not DATABASE.is_up(address.exists):
        address.unlink(missing_ok=True)
        DATABASE.start([sys.executable, "-m", "cli.prefect_database", str(folder)], {}, address.exists)
    say("Prefect's data", str(folder))
    return address.read_text(encoding="utf-8")


def _address(url: str) -> str:
    """Name and host of a database that answers. Raises DatabaseUnreachable."""
    database = Database(database_url(url))
    try:
        with database.autocommit("looking for Prefect's data"):
            return database.address
    except DatabaseUnreachable as error:
        raise DatabaseUnreachable(str(error).replace("ARTWORK_DATABASE_URL", "ARTWORK_PREFECT_DATABASE_URL")) from None
    finally:
        database.dispose()


@contextmanager
def _alone() -> Iterator[None]:
    """One `up` or `down` at a time; another waits for it."""
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

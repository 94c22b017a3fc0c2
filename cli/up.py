"""`up` and `down`: a Prefect server, its database and a worker on this machine."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import platformdirs
import psutil

from cli.notifications import recipient, require_readable
from cli.prefect_database import address_file
from cli.prefect_server import (
    SETTINGS,
    api_at,
    client_environment,
    is_ready,
    next_free_port,
    responds,
    server_command,
    server_environment,
    ui_of,
)
from cli.processes import Service
from migration.database import Database
from migration.errors import BadInput, DatabaseUnreachable
from migration.settings import Settings, database_url, read_settings

FOLDER = Path(platformdirs.user_data_path("artwork-migration")) / "server"
HOME = FOLDER / "home"
SERVICES = DATABASE, SERVER, REPORTS, WORKER = (
    *(Service(FOLDER, "database"), Service(FOLDER, "prefect")),
    *(Service(FOLDER, "reports"), Service(FOLDER, "worker")),
)
#: Variables that a process without a database does not get.
_OF_DATABASES = ("ARTWORK_DATABASE_URL", "ARTWORK_PREFECT_DATABASE_URL", "ARTWORK_NOTIFY_URL")
#: Prints a line for the operator: a label and a text.
Say = Callable[[str, str], None]


def bring_up(say: Say) -> None:
    """Start what does not run, register all deployments, and print where everything is.

    What runs stays as it is, except an idle worker whose settings have changed. Raises BadInput and DatabaseUnreachable before anything is
    started, NotUp and NotRegistered after that.
    """
    settings = read_settings()
    for url in (settings.database_url, settings.prefect_database_url):
        if url:
            database_url(url.get_secret_value())
    require_readable(settings.notify_url)
    with _exclusive():
        before = [service.find() for service in SERVICES]
        api = _ensure_server(settings, say)
        client = client_environment(api, HOME)
        os.environ.update(client)
        from cli.registration import register  # only now: Prefect reads its environment when it is imported
        from cli.worker import database_address, ensure_worker, reports_folder

        say("deployments", ", ".join(register(settings.notify_url)))
        busy = served_reports(WORKER) if WORKER.children() else None  # it keeps its settings until its runs have ended
        folder, address = busy or (reports_folder(WORKER), settings.reports_url)
        if settings.reports_url:
            REPORTS.stop()
        address = address or _serve_reports(folder, settings)
        ensure_worker(WORKER, client, {"ARTWORK_REPORTS": str(folder), "ARTWORK_REPORTS_URL": address}, say)
        started = [service.name for service, process in zip(SERVICES, before, strict=True) if service.find() != process]
    say("to migrate", database_address(WORKER))
    say("notifications", recipient(settings.notify_url, api))
    say("reports", address)
    say("logs", f"{FOLDER}/*.log")
    say("started", ", ".join(started) or "nothing, all was running")
    say("Prefect UI", ui_of(api))


def register_elsewhere(say: Say) -> None:
    """Register at the server in PREFECT_API_URL what `bring_up` registers at its own, and print it. Raises BadInput and NotRegistered."""
    api = os.environ.get("PREFECT_API_URL")
    if not api:
        raise BadInput(
            "PREFECT_API_URL is not set, so there is no server to register at. Nothing was changed. To fix: set it to the API of your"
            " Prefect server, such as http://prefect.shop.example:4200/api, or run `artwork-migration up` for one on this machine."
        )
    settings = read_settings()
    require_readable(settings.notify_url)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    from cli.registration import register  # only now: Prefect reads its environment when it is imported

    say("deployments", ", ".join(register(settings.notify_url)))
    if settings.notify_url:
        say("notifications", recipient(settings.notify_url, api))
    say("Prefect UI", ui_of(api))


def take_down(say: Say) -> None:
    """Stop what `up` started: the active runs first, so that they end as Crashed, then worker, server and database."""
    with _exclusive():
        runs = WORKER.children()
        for run in runs:
            with suppress(psutil.NoSuchProcess):
                run.terminate()
        psutil.wait_procs(runs, timeout=30)
        stopped = [service.name for service in reversed(SERVICES) if service.stop()]
    if runs:
        say("runs", f"{len(runs)} active, ended as Crashed; start them again, they resume")
    say("stopped", ", ".join(stopped) or "nothing, none was running")


def known_api() -> str | None:
    """Return the address of the API that records the runs of the command line: PREFECT_API_URL, or the server that `up` has started."""
    return os.environ.get("PREFECT_API_URL") or running_api()


def running_api() -> str | None:
    """Return the address of the API if the server runs."""
    return SERVER.variable("PREFECT_API_URL")


def served_reports(service: Service = REPORTS) -> tuple[Path, str] | None:
    """Return the folder of reports that `up` serves, and its address; None if it serves none. The worker has the same settings."""
    folder, address = service.variable("ARTWORK_REPORTS"), service.variable("ARTWORK_REPORTS_URL")
    return (Path(folder), address) if folder and address else None


def registering(api: str | None) -> str:
    """Return the command that registers what is missing at this server: `up` at the one that it has started, `register` at any other."""
    own = api is None or api.rstrip("/") == (running_api() or "").rstrip("/")
    return f"artwork-migration {'up' if own else 'register'}"


def _ensure_server(settings: Settings, say: Say) -> str:
    """Make sure that the server and its database run; returns the address of the API."""
    running = running_api()
    if running and not DATABASE.has_died() and SERVER.is_up(partial(is_ready, running)):
        return running
    SERVER.stop()
    port = next_free_port(settings.prefect_port)
    if port != settings.prefect_port:
        say("port", f"{port}, because {settings.prefect_port} is in use; ARTWORK_PREFECT_PORT sets another")
    api, data = api_at(port), _prefect_database(settings, say)
    SERVER.start(server_command(port), server_environment(api, HOME, data), partial(is_ready, api))
    return api


def _prefect_database(settings: Settings, say: Say) -> str:
    """Return the URL of the database for Prefect's data: the one that is set, or one on an embedded Postgres, which runs then."""
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


def _serve_reports(folder: Path, settings: Settings) -> str:
    """Make sure that the reports in the folder are served on loopback; returns the address."""
    served = served_reports()
    if served and served[0] == folder and responds(served[1]):
        return served[1]
    REPORTS.stop()
    address = f"http://127.0.0.1:{next_free_port(settings.prefect_port + 1)}"
    given = {"ARTWORK_REPORTS": str(folder), "ARTWORK_REPORTS_URL": address}
    REPORTS.start([sys.executable, "-m", "cli.report_server"], given, partial(responds, address), without=_OF_DATABASES)
    return address


def _address(url: str) -> str:
    """Return name and host of a database that responds. Raises DatabaseUnreachable."""
    database = Database(database_url(url))
    try:
        with database.untouched("connecting to Prefect's database"):
            return database.address
    except DatabaseUnreachable as error:
        raise DatabaseUnreachable(error.what, error.fix.replace("ARTWORK_DATABASE_URL", "ARTWORK_PREFECT_DATABASE_URL")) from None
    finally:
        database.dispose()


@contextmanager
def _exclusive() -> Iterator[None]:
    """Let one `up` or `down` run at a time; another waits."""
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

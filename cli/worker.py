"""The worker of `up`, a client of the server in PREFECT_API_URL. Import this module after that variable is set."""

import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import WorkerStatus
from pydantic import SecretStr

from cli.processes import Service
from migration.database import Database
from migration.settings import configured_url, read_settings
from tasks.connection_block import stored_url

POOL = "artwork-migration"
NAME = platform.node()
#: A setting of the command line. In the worker it would give a database to a form whose field `database` is empty.
OF_THE_TERMINAL = "ARTWORK_DATABASE"
NO_DATABASE = (
    "no database is set. To fix: create the block artwork-database of the type Artwork Database in the UI, "
    "or set ARTWORK_DATABASE_URL and run `artwork-migration up` again"
)


def reports_folder(worker: Service) -> Path:
    """Return the folder for the worker's reports. Without a setting it keeps the one in which `up` has started it first."""
    chosen = worker.variable("ARTWORK_REPORTS") if "ARTWORK_REPORTS" not in os.environ else None
    return Path(chosen) if chosen else read_settings().reports.absolute()


def ensure_worker(worker: Service, environment: Mapping[str, str], reports: Mapping[str, str], say: Callable[[str, str], None]) -> None:
    """Make sure that the worker runs with the current settings. While it executes a run, it keeps the settings that it has.

    `reports` are its settings of the reports folder: its runs work in the folder of the packages.
    """
    process = worker.find()
    current = process.environ() if process else {}
    given = {name: value for name, value in os.environ.items() if name.startswith("ARTWORK_") and name != OF_THE_TERMINAL}
    keep = {**given, **reports}.items() <= current.items() and OF_THE_TERMINAL not in current
    if not keep and worker.children():
        say("settings", "unchanged, because the worker executes a run; run `artwork-migration up` again when it is idle")
        keep = True
    if keep and environment.items() <= current.items() and worker.is_up(lambda: _polls(worker)):
        return
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--name", NAME]
    worker.start(command, {**environment, **reports}, lambda: _polls(worker), without=[OF_THE_TERMINAL])


def database_address(worker: Service) -> str:
    """Return name and host of the database that the worker migrates, or how to set one."""
    variable = worker.variable("ARTWORK_DATABASE_URL")
    url = configured_url(SecretStr(variable) if variable else None, stored_url)
    return Database(url).address if url else NO_DATABASE


def _polls(service: Service) -> bool:
    """Whether the server has got a heartbeat of this process. One of an earlier worker with its name does not count."""
    process = service.find()
    with get_client(sync_client=True) as client:
        workers = client.read_workers_for_work_pool(POOL)
    online = [worker for worker in workers if worker.name == NAME and worker.status == WorkerStatus.ONLINE]
    heartbeats = [worker.last_heartbeat_time.timestamp() for worker in online if worker.last_heartbeat_time]
    return process is not None and any(time > process.create_time() for time in heartbeats)

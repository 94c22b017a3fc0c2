"""The worker of `up`: a client of the server in PREFECT_API_URL, so this is imported when that is set."""

import os
import platform
import sys
from collections.abc import Callable, Mapping

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import WorkerStatus
from pydantic import SecretStr

from cli.processes import Service
from migration.database import Database
from migration.settings import configured_url
from tasks.connection_block import stored_url

POOL = "artwork-migration"
NAME = platform.node()
NO_DATABASE = (
    "no database yet. Make a block of the type Artwork Database in the UI and call it artwork-database, "
    "or set ARTWORK_DATABASE_URL and run `artwork-migration up` again"
)


def ensure_worker(worker: Service, environment: Mapping[str, str], say: Callable[[str, str], None]) -> None:
    """Have it run, with the settings of now. One that is at work keeps those it has."""
    process = worker.find()
    has = process.environ() if process else {}
    wanted = {name: value for name, value in os.environ.items() if name.startswith("ARTWORK_")}
    settled = wanted.items() <= has.items()
    if not settled and worker.children():
        say("settings", "the worker is at work and keeps those it has; run `artwork-migration up` again when it is not")
        settled = True
    if settled and environment.items() <= has.items() and worker.is_up(lambda: _polls(worker)):
        return
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--name", NAME]
    worker.start(command, environment, lambda: _polls(worker))


def to_migrate(worker: Service) -> str:
    """Which database its runs work on: name and host, or how to set one."""
    given = worker.variable("ARTWORK_DATABASE_URL")
    url = configured_url(SecretStr(given) if given else None, stored_url)
    return Database(url).address if url else NO_DATABASE


def _polls(worker: Service) -> bool:
    """Whether the server hears of it; of one before it, that had its name, it may have heard a moment ago."""
    process = worker.find()
    with get_client(sync_client=True) as client:
        online = [one for one in client.read_workers_for_work_pool(POOL) if one.name == NAME and one.status == WorkerStatus.ONLINE]
    heard = [one.last_heartbeat_time.timestamp() for one in online if one.last_heartbeat_time]
    return process is not None and any(time > process.create_time() for time in heard)

"""A server that dies and comes back."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psycopg

from sample.server import EmbeddedServer
from tests.waiting import wait_until


def kill_server(server: EmbeddedServer) -> None:
    """kill -9 the postmaster, and start the server on the same data again when its children have gone."""
    pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    children = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if _parent(path) == pid]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    server.stop()
    server.start()


def answers(server: EmbeddedServer) -> None:
    """Wait until the server takes connections again."""

    def takes_connections() -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(server.conninfo("postgres")).close()
            return True
        return False

    wait_until(takes_connections)


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0

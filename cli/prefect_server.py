"""A Prefect server of our own on this machine: its data in Postgres, no telemetry, nothing but loopback."""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from cli.processes import NotUp, becomes_ready, end
from migration.settings import database_url

#: For every process that talks to or is a server of ours: no analytics, no promotion, and the UI whose every part is served from here.
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",  # their catalogue shows pictures from elsewhere
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "GX_ANALYTICS_ENABLED": "false",
}


def client_environment(api_url: str, home: Path) -> dict[str, str]:
    """What a process needs to be a client of the server at `api_url`; `home` is where Prefect keeps files."""
    return {**SETTINGS, "PREFECT_HOME": str(home), "PREFECT_API_URL": api_url}


def server_environment(api_url: str, home: Path, postgres_url: str) -> dict[str, str]:
    """What the server itself needs."""
    data = database_url(postgres_url, "asyncpg").render_as_string(hide_password=False)
    return {**client_environment(api_url, home), "PREFECT_SERVER_DATABASE_CONNECTION_URL": data}


def server_command(port: int) -> list[str]:
    """How the server is started."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]


def api_at(port: int) -> str:
    """What a client takes as PREFECT_API_URL."""
    return f"http://127.0.0.1:{port}/api"


def ui_of(api_url: str) -> str:
    """Where a person looks."""
    return api_url.removesuffix("/api")


def is_ready(api_url: str) -> bool:
    """Whether the server answers, and its database too."""
    try:
        with urllib.request.urlopen(f"{api_url}/ready", timeout=5) as answer:  # noqa: S310 (our own loopback address)
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def next_free_port(first: int) -> int:
    """The first port from `first` on that nobody listens on."""
    port = first
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a port whose server has just ended counts as taken
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                port += 1
            else:
                return port


def any_free_port() -> int:
    """One of those that the system does not give to connections: asked too early, such a port would be connected to itself."""
    return next_free_port(10_000 + secrets.randbelow(20_000))


class PrefectServer:
    """A Prefect server as a process, for the time of a `with` block. Raises NotUp if it does not come up."""

    def __init__(self, postgres_url: str, home: Path) -> None:
        self._port = any_free_port()
        self.api_url = api_at(self._port)
        self.ui_url = ui_of(self.api_url)
        self.log = home / "server.log"
        self.environment = client_environment(self.api_url, home)
        self._server_environment = server_environment(self.api_url, home, postgres_url)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal reaches us alone, and we end the server last.
            self._process = process = subprocess.Popen(
                server_command(self._port),
                env={**os.environ, **self._server_environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            if not becomes_ready(lambda: is_ready(self.api_url), lambda: process.poll() is None):
                raise NotUp("The Prefect server", self.log)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and whatever it started; doing it twice does no harm."""
        process, self._process = self._process, None
        if process and process.poll() is None:
            end(psutil.Process(process.pid))
            process.wait()

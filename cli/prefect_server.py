"""A Prefect server on this machine: its data are in Postgres, it sends no telemetry, and it listens on loopback only."""

import http.client
import re
import secrets
import socket
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from cli.processes import Service
from migration.settings import database_url

#: For the server and its clients: no analytics, no promotion, and the UI that loads nothing from elsewhere.
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",  # the catalogue of blocks loads pictures from elsewhere
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "GX_ANALYTICS_ENABLED": "false",
}


def client_environment(api_url: str, home: Path) -> dict[str, str]:
    """Return the environment of a client of the server at `api_url`; Prefect keeps its files in `home`."""
    return {**SETTINGS, "PREFECT_HOME": str(home), "PREFECT_API_URL": api_url}


def server_environment(api_url: str, home: Path, postgres_url: str) -> dict[str, str]:
    """Return the environment of the server itself."""
    data = database_url(postgres_url, "asyncpg").render_as_string(hide_password=False)
    return {**client_environment(api_url, home), "PREFECT_SERVER_DATABASE_CONNECTION_URL": data}


def server_command(port: int) -> list[str]:
    """Return the command that starts the server."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]


def api_at(port: int) -> str:
    """Return the PREFECT_API_URL of a server on this port."""
    return f"http://127.0.0.1:{port}/api"


def without_password(text: str) -> str:
    """Return the text without the user and the password of each address in it."""
    return re.sub(r"://[^/\s]*@", "://", text)


def ui_of(api_url: str) -> str:
    """Return the address of the UI, without a password that the API's address may have."""
    return without_password(api_url.rstrip("/").removesuffix("/api"))


def is_ready(api_url: str) -> bool:
    """Whether the server and its database respond."""
    try:
        with urllib.request.urlopen(f"{api_url}/ready", timeout=5) as response:  # noqa: S310 (our own loopback address)
            return bool(response.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def responds(address: str) -> bool:
    """Whether something listens at this address on loopback."""
    url = urlsplit(address)
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((url.hostname, url.port)) == 0


def next_free_port(first: int) -> int:
    """Return the first free port from `first` on."""
    port = first
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # otherwise a port whose server has just ended counts as in use
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                port += 1
            else:
                return port


def any_free_port() -> int:
    """Return a free port outside the system's range for outgoing connections, where a client could connect to itself."""
    return next_free_port(10_000 + secrets.randbelow(20_000))


class PrefectServer:
    """A Prefect server for the time of a `with` block. Raises NotUp if it does not start."""

    def __init__(self, postgres_url: str, home: Path) -> None:
        port = any_free_port()
        self.api_url = api_at(port)
        self.ui_url = ui_of(self.api_url)
        self.environment = client_environment(self.api_url, home)
        self._command, self._server_environment = server_command(port), server_environment(self.api_url, home, postgres_url)
        self._service = Service(home, "server")
        self.log = self._service.log

    def __enter__(self) -> Self:
        try:
            self._service.start(self._command, self._server_environment, lambda: is_ready(self.api_url))
        except BaseException:
            self._service.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._service.stop()

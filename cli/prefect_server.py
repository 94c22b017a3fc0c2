"""A Prefect server of our own on this machine: its data in Postgres, no telemetry, nothing but loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from migration.settings import database_url

#: For every process that talks to or is a server of ours: no analytics, no promotion, and the UI whose every part is served from here.
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "GX_ANALYTICS_ENABLED": "false",
}


class PrefectServer:
    """A Prefect server as a process, for the time of a `with` block. Raises RuntimeError with the end of its log if it does not come up."""

    def __init__(self, postgres_url: str, home: Path, *, port: int | None = None, seconds: float = 120) -> None:
        self.port = port or _free_port()
        self.log = home / "server.log"
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            **SETTINGS,
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.api_url,
        }
        self._server_environment = {
            **self.environment,
            "PREFECT_API_DATABASE_CONNECTION_URL": database_url(postgres_url, "asyncpg").render_as_string(hide_password=False),
        }

    @property
    def api_url(self) -> str:
        """What a client takes as PREFECT_API_URL."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def ui_url(self) -> str:
        """Where a person looks."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal reaches us alone, and we end the server last.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)],
                env={**os.environ, **self._server_environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and whatever it started; doing it twice does no harm."""
        process, self._process = self._process, None
        if process is None:
            return
        for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            try:
                os.killpg(process.pid, number)
                process.wait(seconds)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue
            return

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.api_url}/health", timeout=2) as answer:  # noqa: S310 (our own loopback address)
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.2)
        end = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"The Prefect server did not come up; the end of its log:\n{end}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

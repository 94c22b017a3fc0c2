"""An embedded Postgres server that ends with the process that started it."""

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self
from urllib.parse import quote

import platformdirs
import psycopg
from psycopg import sql as pgsql
from psycopg.conninfo import make_conninfo

from sample.binaries import binary_directory, give_to, let_pass, system_user

START_SECONDS = 30.0
LONGEST_SOCKET_PATH = 103  # the limit on macOS; 107 on Linux
SUPERUSER = "postgres"
SETTINGS: Mapping[str, str] = {
    "wal_level": "logical",  # otherwise CREATE PUBLICATION warns
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
}
# Ends the server when our end of the pipe closes, however this process died. It first checks that the pid is still the server's.
GUARD = 'trap "" INT TERM HUP; read -r _; [ "$(head -n 1 "$2/postmaster.pid" 2>/dev/null)" = "$1" ] && kill -INT "$1" 2>/dev/null'


class ServerNotStarted(RuntimeError):
    """Postgres did not start; its log has the cause."""

    def __init__(self, reason: str, log: Path) -> None:
        super().__init__(f"The embedded Postgres did not start: {reason}. See {log}.")
        self.log = log


def default_data_directory() -> Path:
    """Return the data directory of a server that is started without one."""
    return Path(platformdirs.user_data_path("artwork-migration")) / "postgres"


class EmbeddedServer:
    """A server for the time of a `with` block. The data directory stays.

    Connections over the unix socket are trusted, because only the owner can reach it. Connections over TCP require a password.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        version: int = 18,
        settings: Mapping[str, str] | None = None,
        listen_on_tcp: bool = False,
    ) -> None:
        self.data = (data or default_data_directory()).expanduser().absolute()
        self.version = version
        self.port = _free_port() if listen_on_tcp else 5432
        self.log = self.data / "log"
        self._listen_on_tcp = listen_on_tcp
        self._settings = {**SETTINGS, **(settings or {})}
        self._binaries = binary_directory(version)
        self._owner = 0
        self._user: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._socket_directory: Path | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    def start(self) -> Self:
        """Start the server, after the server of a process that has just died has ended. Raises ServerNotStarted."""
        self._user = system_user(self._binaries)
        _stop_on_termination()
        atexit.register(self.stop)
        try:
            self._prepare_data()
            self._wait_for_former_server()
            self._launch()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server. A second call does nothing; a forked child does not stop the server of its parent."""
        if self._owner not in (0, os.getpid()):
            return
        atexit.unregister(self.stop)
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._guard is not None:
            self._guard.communicate()  # closes the pipe; the guard finds no server and ends
            self._guard = None
        if self._socket_directory not in (None, self.data):
            shutil.rmtree(str(self._socket_directory), ignore_errors=True)
        self._socket_directory = None

    def wait(self) -> None:
        """Wait until Postgres ends, or this process gets a signal to end."""
        if self._process is not None:
            self._process.wait()

    def binary(self, name: str) -> Path:
        """Return the path of a program of this version: pg_dump, psql, pgbench (only in 18), …"""
        path = self._binaries / name
        if not path.exists():
            raise FileNotFoundError(f"The embedded Postgres {self.version} does not contain {name}.")
        return path

    def url(self, database: str, user: str | None = None, password: str | None = None, *, tcp: bool = False) -> str:
        """Return the URL for SQLAlchemy. It has a host name even for a socket, because Great Expectations refuses an empty one."""
        login = quote(user or SUPERUSER, safe="") + (f":{quote(password, safe='')}" if password is not None else "")
        name = quote(database, safe="")
        if tcp:
            return f"postgresql+psycopg://{login}@127.0.0.1:{self._tcp_port()}/{name}"
        port = f":{self.port}" if self._listen_on_tcp else ""
        return f"postgresql+psycopg://{login}@localhost{port}/{name}?host={quote(str(self.socket_directory))}"

    def conninfo(self, database: str, user: str | None = None, password: str | None = None, *, tcp: bool = False) -> str:
        """Return the connection string for psycopg and the programs of Postgres."""
        host = "127.0.0.1" if tcp else str(self.socket_directory)
        port = self._tcp_port() if tcp else self.port
        return make_conninfo(host=host, port=port, dbname=database, user=user or SUPERUSER, password=password)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, from a template if one is named. The template must have no connections."""
        parts = [pgsql.SQL("CREATE DATABASE {}").format(pgsql.Identifier(name))]
        if template is not None:
            # half the work of writing each of its pages to the log
            parts.append(pgsql.SQL("TEMPLATE {} STRATEGY FILE_COPY").format(pgsql.Identifier(template)))
        self._administer(pgsql.SQL(" ").join(parts))

    def drop_database(self, name: str) -> None:
        """Drop the database if it exists, and end its sessions."""
        self._administer(pgsql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(pgsql.Identifier(name)))

    @property
    def socket_directory(self) -> Path:
        """The folder of the unix socket. Raises RuntimeError if the server is not running."""
        if self._socket_directory is None:
            raise RuntimeError("The embedded Postgres is not running.")
        return self._socket_directory

    def _tcp_port(self) -> int:
        if not self._listen_on_tcp:
            raise RuntimeError("This server was started without listen_on_tcp.")
        return self.port

    def _administer(self, statement: pgsql.Composed) -> None:
        with psycopg.connect(self.conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute(statement)

    def _prepare_data(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        self.data.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            let_pass(self.data)
        give_to(self._user, self.data)
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if self.version >= 17 else ["--no-locale"]
        command = [str(self.binary("initdb")), "-D", str(self.data), "-U", SUPERUSER, "--encoding=UTF8", *locale]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--no-instructions"]
        done = subprocess.run(command, user=self._user, group=self._user, cwd=self.data, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerNotStarted(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "initdb failed", self.log)

    def _wait_for_former_server(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while (pid := self._recorded_pid()) is not None and _is_postgres(pid):
            if time.monotonic() > deadline:
                raise ServerNotStarted(f"process {pid} already uses {self.data}", self.log)
            time.sleep(0.1)

    def _recorded_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _launch(self) -> None:
        self._owner = os.getpid()
        self._socket_directory = self._choose_socket_directory()
        addresses = "127.0.0.1" if self._listen_on_tcp else ""
        forced = {"listen_addresses": addresses, "port": str(self.port), "unix_socket_directories": str(self._socket_directory)}
        command = [str(self.binary("postgres")), "-D", str(self.data)]
        for name, value in {**self._settings, **forced}.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                user=self._user,
                group=self._user,
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        arguments = ["/bin/sh", "-c", GUARD, "guard", str(self._process.pid), str(self.data)]
        self._guard = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd="/", start_new_session=True)

    def _choose_socket_directory(self) -> Path:
        if len(str(self.data / f".s.PGSQL.{self.port}").encode()) <= LONGEST_SOCKET_PATH:
            return self.data
        directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # TMPDIR may be too long as well
        give_to(self._user, directory)
        return directory

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerNotStarted(f"it ended with code {self._process.returncode}", self.log)
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.conninfo(SUPERUSER)).close()
                return
            time.sleep(0.05)
        raise ServerNotStarted(f"it did not answer within {START_SECONDS:.0f} s", self.log)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Shut the server down: fast, then immediate, then by SIGKILL."""
    for how, seconds in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def _is_postgres(pid: int) -> bool:
    found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "postgres" in found.stdout


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _stop_on_termination() -> None:
    """Make SIGTERM run the exit handlers, which Python does not do. A handler that the program has set stays."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)

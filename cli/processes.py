"""Processes that run detached from the terminal: they are found again by pid and start time, never by name."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from migration.errors import MigrationError

#: The start time is computed from the machine's clock, which may be adjusted. No pid is reused within this time.
CLOCK_TOLERANCE_SECONDS = 5.0


class NotUp(MigrationError):
    """A process did not start; the end of its log has the cause."""

    end = "Not up"

    def __init__(self, name: str, log: Path) -> None:
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        super().__init__(f"The process {name} did not start. The end of its log {log}:\n{tail}")


class Service:
    """One process in a session of its own. In `folder`, NAME.json holds its pid and start time, and NAME.log its output."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._record = folder / f"{name}.json"

    def find(self) -> psutil.Process | None:
        """Return the process that was started, if it is alive. Another process that has its pid now is left alone."""
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
            process = psutil.Process(record["pid"])
            same = abs(process.create_time() - record["started"]) < CLOCK_TOLERANCE_SECONDS
        except (FileNotFoundError, ValueError, psutil.Error):
            return None
        return process if same and is_alive(process) else None

    def has_died(self) -> bool:
        """Whether the process was started and has ended without `stop`."""
        return self._record.exists() and self.find() is None

    def variable(self, name: str) -> str | None:
        """Return a variable of the process's environment; None if it is not set or the process does not run."""
        process = self.find()
        return process.environ().get(name) if process else None

    def children(self) -> list[psutil.Process]:
        """Return the processes that this process has started."""
        process = self.find()
        return process.children() if process else []

    def is_up(self, ready: Callable[[], bool]) -> bool:
        """Whether the process is alive and becomes ready soon."""
        return becomes_ready(ready, lambda: self.find() is not None, seconds=30)

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool], *, without: Container[str] = ()
    ) -> None:
        """Start the process, after an earlier one was stopped, and wait until it is ready. Raises NotUp.

        It has the variables of this process except those in `without`, and those of `environment`.
        """
        self.stop()
        self._folder.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if name not in without}
        self._launch(command, {**inherited, **environment})
        if not becomes_ready(ready, lambda: self.find() is not None):
            raise NotUp(self.name, self.log)

    def stop(self) -> bool:
        """End the process and all that it started; False if there was none."""
        process = self.find()
        if process:
            with suppress(psutil.NoSuchProcess):
                end(process)
        self._record.unlink(missing_ok=True)
        return process is not None

    def _launch(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=self._folder,  # not the terminal's folder, from whose files programs may read settings
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        complete = self._record.with_suffix(".new")
        complete.write_text(json.dumps({"pid": started.pid, "started": psutil.Process(started.pid).create_time()}), encoding="utf-8")
        complete.replace(self._record)


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs. A process that has ended and was not waited for yet does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process, *, seconds: float = 45.0) -> None:
    """Terminate a process and its group, wait for it and all that it started, and kill the rest after `seconds`."""
    family = [process, *process.children(recursive=True)]
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    if not _ended(family, seconds):
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        _ended(family, seconds)


def becomes_ready(ready: Callable[[], bool], alive: Callable[[], bool], *, seconds: float = 120.0) -> bool:
    """Wait until a process is ready; False if it ends first, or needs longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while alive() and time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(0.2)
    return False


def _ended(family: Sequence[psutil.Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(member) for member in family):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True

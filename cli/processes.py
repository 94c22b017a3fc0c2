"""Processes that outlive the terminal that started them: found again by pid and start time, never by name."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from migration.errors import MigrationError

#: A start time is reckoned from the machine's clock, which is set now and then; a pid does not come round in this time.
SECONDS_OF_DOUBT = 5.0


class NotUp(MigrationError):
    """Something that was started did not come up; the end of its log says why."""

    end_state = "Not up"

    def __init__(self, what: str, log: Path) -> None:
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        super().__init__(f"{what} did not come up. The end of {log}:\n{said}")


class Service:
    """One process, in a session of its own. In `folder`, NAME.json says which one it is and NAME.log what it says."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._record = folder / f"{name}.json"

    def find(self) -> psutil.Process | None:
        """The process that was started, if it is alive. Its pid may be another's by now, which is none of ours."""
        try:
            recorded = json.loads(self._record.read_text(encoding="utf-8"))
            process = psutil.Process(recorded["pid"])
            same = abs(process.create_time() - recorded["started"]) < SECONDS_OF_DOUBT
        except (FileNotFoundError, ValueError, psutil.Error):
            return None
        return process if same and is_alive(process) else None

    def has_died(self) -> bool:
        """Whether it was started, and not stopped, and is gone."""
        return self._record.exists() and self.find() is None

    def variable(self, name: str) -> str | None:
        """A variable of the environment in which the process runs; None also if it does not run."""
        process = self.find()
        return process.environ().get(name) if process else None

    def children(self) -> list[psutil.Process]:
        """What the process has started itself."""
        process = self.find()
        return process.children() if process else []

    def is_up(self, ready: Callable[[], bool]) -> bool:
        """Whether the process is alive and ready, or gets ready soon."""
        return becomes_ready(ready, lambda: self.find() is not None, seconds=30)

    def start(self, command: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool]) -> None:
        """Start the process, in place of an earlier one, and wait until it is ready. Raises NotUp."""
        self.stop()
        self._launch(command, environment)
        if not becomes_ready(ready, lambda: self.find() is not None):
            raise NotUp(f"The process {self.name}", self.log)

    def stop(self) -> bool:
        """End the process and what it started. False if there was none."""
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
                env={**os.environ, **environment},
                cwd=self._folder,  # not the terminal's: programs read settings from files where they stand
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = self._record.with_suffix(".new")
        record.write_text(json.dumps({"pid": started.pid, "started": psutil.Process(started.pid).create_time()}), encoding="utf-8")
        record.replace(self._record)


def is_alive(process: psutil.Process) -> bool:
    """A process that has ended and that nobody has asked about yet is not alive."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process, *, seconds: float = 45.0) -> None:
    """Ask a process and its group to end, wait for it and everything it started, and kill what is left then."""
    family = [process, *process.children(recursive=True)]
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    if not _gone(family, seconds):
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        _gone(family, seconds)


def becomes_ready(ready: Callable[[], bool], alive: Callable[[], bool], *, seconds: float = 120.0) -> bool:
    """Wait until it is ready; False if it ends before that, or takes too long."""
    deadline = time.monotonic() + seconds
    while alive() and time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(0.2)
    return False


def _gone(family: Sequence[psutil.Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(member) for member in family):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True

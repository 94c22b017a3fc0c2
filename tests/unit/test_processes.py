"""A process is found again by its pid and its start time, and ends with everything it started."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli.prefect_server import next_free_port
from cli.processes import NotUp, Service, is_alive

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)"]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print('awake', flush=True); time.sleep(600)",
]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that nobody has started yet; it ends with the test."""
    made = Service(tmp_path, "sleeper")
    yield made
    made.stop()


def start(service: Service, command: list[str] = SLEEPER, **variables: str) -> psutil.Process:
    """Start it and wait until it has spoken."""
    service.start(command, variables, lambda: service.log.exists() and "awake" in service.log.read_text())
    process = service.find()
    assert process is not None
    return process


def test_a_process_is_found_again(service: Service, tmp_path: Path) -> None:
    """By another object, as another terminal would have it; in a session of its own, with the environment it was given."""
    process = start(service, HOUSE="ours")
    again = Service(tmp_path, "sleeper")
    assert process == again.find()
    assert "ours" == again.variable("HOUSE")
    assert str(tmp_path) == process.cwd()
    assert process.pid == subprocess.run(["ps", "-o", "sess=", "-p", str(process.pid)], capture_output=True, check=True).stdout.strip().decode().__int__()


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(service: Service, tmp_path: Path) -> None:
    """The start time tells: the recorded process is gone, and the one that has its number now is neither found nor stopped."""
    stranger = start(service)
    (tmp_path / "stale.json").write_text(json.dumps({"pid": stranger.pid, "started": stranger.create_time() - 60}))
    stale = Service(tmp_path, "stale")
    assert stale.find() is None
    assert stale.stop() is False
    assert is_alive(stranger)

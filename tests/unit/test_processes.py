"""A process is found again by its pid and its start time, and ends with everything it started."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli.prefect_server import next_free_port, without_password
from cli.processes import NotUp, Service, is_alive

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)"]
PARENT = [sys.executable, "-c", f"import subprocess, time; subprocess.Popen({SLEEPER}); time.sleep(600)"]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that nobody has started yet; it ends with the test."""
    made = Service(tmp_path, "sleeper")
    yield made
    made.stop()


def start(service: Service, command: list[str] = SLEEPER, **variables: str) -> psutil.Process:
    """Start it and wait until somebody in it has spoken."""
    service.start(command, variables, lambda: "awake" in service.log.read_text())
    process = service.find()
    assert process is not None
    return process


def test_a_process_is_found_again(service: Service, tmp_path: Path) -> None:
    """A recorded process is found by anyone who has the folder; it has a session of its own and the environment it was given."""
    process = start(service, HOUSE="ours")
    again = Service(tmp_path, "sleeper")
    assert process == again.find()
    assert "ours" == again.variable("HOUSE")
    assert (process.pid, str(tmp_path)) == (os.getsid(process.pid), process.cwd())


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(service: Service, tmp_path: Path) -> None:
    """A process that has a recorded pid but another start time is neither found nor stopped."""
    stranger = start(service)
    (tmp_path / "stale.json").write_text(json.dumps({"pid": stranger.pid, "started": stranger.create_time() - 60}))
    stale = Service(tmp_path, "stale")
    assert stale.find() is None
    assert stale.stop() is False
    assert is_alive(stranger)


@pytest.mark.parametrize("written", ["", "{", '{"pid": 4194305, "started": 0}'])
def test_a_record_of_nothing_alive_is_no_process(service: Service, tmp_path: Path, written: str) -> None:
    """A record of a dead process, as a crash of the machine leaves it, counts as no process."""
    (tmp_path / "sleeper.json").write_text(written)
    assert service.find() is None
    assert service.stop() is False


def test_a_killed_process_is_gone(service: Service) -> None:
    """A killed process counts as died; stopping it reports that nothing was stopped, and then it counts as stopped."""
    process = start(service)
    assert not service.has_died()
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)
    assert service.find() is None
    assert service.has_died()
    assert service.stop() is False
    assert not service.has_died()


def test_stopping_ends_the_whole_family(service: Service) -> None:
    """Stopping a process ends what it has started too, and stopping it again reports that nothing was stopped."""
    process = start(service, PARENT)
    family = [process, *service.children()]
    assert 2 == len(family)
    assert service.stop() is True
    assert [] == [member for member in family if is_alive(member)]
    assert service.stop() is False


def test_starting_replaces_the_one_before(service: Service) -> None:
    """Starting a process ends the one before, so there is never a second one."""
    first = start(service)
    second = start(service)
    assert not is_alive(first)
    assert second == service.find()


def test_a_process_that_does_not_come_up_says_why(service: Service) -> None:
    """The error of a process that does not come up holds the end of its log."""
    with pytest.raises(NotUp, match="no such luck"):
        service.start([sys.executable, "-c", "raise SystemExit('no such luck')"], {}, lambda: False)


def test_a_port_that_is_taken_is_passed_over() -> None:
    """The next free port after a taken one is found, and the first one again when it is free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        assert port < next_free_port(port)
    assert port == next_free_port(port)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("http://ada:hid@den@host/api", "http://host/api"),
        ("http://hidden@host:4200/api?to=bob@host", "http://host:4200/api?to=bob@host"),
        ("at http://host/api, not ada@host", "at http://host/api, not ada@host"),
    ],
)
def test_an_address_is_shown_without_its_password(given: str, shown: str) -> None:
    """What is before the last @ of a host is cut, also if the password has an @."""
    assert shown == without_password(given)

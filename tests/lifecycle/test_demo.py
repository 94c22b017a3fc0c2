"""The demo when it is interrupted, or was not there. CI runs it as a stranger does, there and back."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.lifecycle.local_server import PROGRAM
from tests.series import EXHAUSTIVE
from tests.waiting import wait_until


@pytest.fixture
def data_home() -> Iterator[Path]:
    """A user's data directory of its own, short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="demo") as folder:
        yield Path(folder)


def demo(data_home: Path, *arguments: str, command: str = "demo") -> subprocess.Popen[str]:
    """Start the demo, or the playground, without the environment of the other tests' server."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ARTWORK_"))}
    return subprocess.Popen(
        [PROGRAM, command, *arguments],
        env={**variables, "XDG_DATA_HOME": str(data_home), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left_behind(data_home: Path) -> list[str]:
    """Processes that still work in the demo's data directory or for its servers."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = " ".join(process.info["cmdline"] or []) + (process.info["environ"] or {}).get("XDG_DATA_HOME", "")
        if str(data_home) in words and process.pid != os.getpid():
            found.append(" ".join(process.info["cmdline"] or [])[:200])
    return found


def test_there_must_be_a_demo_to_undo(data_home: Path) -> None:
    """`demo --undo` without a demo reports that there is none, and starts nothing."""
    undone = demo(data_home, "--undo")
    output, _ = undone.communicate(timeout=60)
    assert undone.returncode == 1
    assert "There is no demo to undo" in output
    assert [] == left_behind(data_home)


@EXHAUSTIVE
def test_the_playground_runs_what_is_clicked_until_it_is_interrupted(data_home: Path) -> None:
    """A run that is started from a deployment is executed in the playground, and Ctrl-C leaves no process behind."""
    playground = demo(data_home, "--rows", "2000", command="playground")
    try:
        assert playground.stdout is not None
        api = next(found[1] for line in playground.stdout if (found := re.search(r"export PREFECT_API_URL=(\S+)", line)))
        deployment = httpx.get(f"{api}/deployments/name/deploy-schema/1-deploy-schema").json()
        flow_run = httpx.post(f"{api}/deployments/{deployment['id']}/create_flow_run", json={}).json()
        started = f"{api}/flow_runs/{flow_run['id']}"
        wait_until(lambda: httpx.get(started).json()["state"]["type"] in ("COMPLETED", "FAILED"), every=1)
        assert "has blockers. Nothing was changed." in httpx.get(started).json()["state"]["message"]
        assert [] != list((data_home / "artwork-migration" / "demo" / "reports").glob("plan-*.md"))
    finally:
        playground.send_signal(signal.SIGINT)
        playground.communicate(timeout=180)
    assert playground.returncode == 0
    wait_until(lambda: not left_behind(data_home), every=0.2)


@EXHAUSTIVE
def test_interrupting_the_demo_leaves_no_server_behind(data_home: Path) -> None:
    """Ctrl-C while everything runs ends Postgres, the Prefect server and the application."""
    interrupted = demo(data_home, "--rows", "2000")
    assert interrupted.stdout is not None
    for line in interrupted.stdout:
        if "deploy-schema" in line:
            break
    assert len(left_behind(data_home)) > 3
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate(timeout=180)
    assert interrupted.returncode != 0
    wait_until(lambda: not left_behind(data_home), every=0.2)

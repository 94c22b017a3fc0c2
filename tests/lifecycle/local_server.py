"""What `artwork-migration up` starts, in a user's data directory of its own, and the way to see and to end it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.waiting import wait_until

PROGRAM = str(Path(sys.executable).parent / "artwork-migration")


@dataclass
class LocalServer:
    """`said` is everything that was printed so far, `ui` the address that was printed last."""

    data_home: Path
    settings: dict[str, str]
    said: str = field(default="", repr=False)
    ui: str = ""

    @property
    def folder(self) -> Path:
        """Where `up` keeps what it needs."""
        return self.data_home / "artwork-migration" / "server"

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours to its end, without the environment of other tests' servers."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ARTWORK_"))}
        done = subprocess.run(
            [PROGRAM, *arguments],
            env={**inherited, **self.settings, **settings, "XDG_DATA_HOME": str(self.data_home)},
            cwd=self.data_home,
            capture_output=True,
            text=True,
            check=False,
        )
        self.said += done.stdout + done.stderr
        return done

    def up(self, **settings: str) -> dict[str, str]:
        """`artwork-migration up`, which must succeed; what it said, by label."""
        done = self.run("up", **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        said = {line[:16].strip(): line[16:].strip() for line in done.stdout.splitlines()}
        self.ui = said["Prefect UI"]
        return said

    def pids(self) -> dict[str, int]:
        """The recorded processes."""
        return {path.stem: json.loads(path.read_text())["pid"] for path in self.folder.glob("*.json")}

    def family(self) -> list[psutil.Process]:
        """The recorded processes and all that they have started."""
        recorded = [psutil.Process(pid) for pid in self.pids().values()]
        return [member for process in recorded for member in [process, *process.children(recursive=True)]]

    def ask(self, path: str, **question: object) -> Any:
        """What the API answers."""
        return httpx.post(f"{self.ui}/api{path}", json=question, timeout=30).raise_for_status().json()

    def start_run(self, deployment: str, **parameters: object) -> str:
        """A new run of a deployment, by the API; its id."""
        found = self.ask("/deployments/filter", deployments={"name": {"any_": [deployment]}})[0]
        return str(self.ask(f"/deployments/{found['id']}/create_flow_run", parameters=parameters)["id"])

    def state(self, run: str) -> str:
        """The name of a run's state."""
        return str(self.run_of(run)["state_name"])

    def run_of(self, run: str) -> dict[str, Any]:
        """What Prefect knows of a run."""
        found: dict[str, Any] = self.ask("/flow_runs/filter", flow_runs={"id": {"any_": [run]}})[0]
        return found

    def runs(self) -> set[str]:
        """The ids of all runs that have begun; those of a schedule that are still to come are made anew whenever it is registered."""
        return {run["id"] for run in self.ask("/flow_runs/filter") if run["state_type"] not in ("SCHEDULED", "PENDING")}

    def wait_for(self, run: str, *names: str) -> None:
        """Until the run is in one of these states."""
        wait_until(lambda: self.state(run) in names, every=0.5)

    def end(self) -> None:
        """Kill what is left, by pid."""
        for process in psutil.process_iter(["environ", "cmdline"]):
            environment, words = process.info["environ"] or {}, process.info["cmdline"] or []
            if environment.get("XDG_DATA_HOME") == str(self.data_home) or any(str(self.folder) in word for word in words):
                process.kill()

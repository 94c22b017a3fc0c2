"""The writer's process as its parent sees it, and the pair of writers: one on the database that is migrated, one on an untouched clone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.adversary.judge import Judge


@dataclass(frozen=True)
class Load:
    """How much is written: connections, the mean seconds between two transactions of one, and the kinds of write that are left out.

    An `orderly` writer keeps to the order of locks that the guide for developers asks for; otherwise its transactions meet in every order.
    """

    connections: int = 16
    think: float = 0.2
    without: str = ""
    orderly: bool = False


class Process:
    """One writer at work. It does not write before `resume`."""

    def __init__(self, judge: Judge, seed: int, load: Load) -> None:
        self.summary_path = judge.journal.with_suffix(".summary.json")
        numbers = ["--seed", str(seed), "--legacy", str(judge.legacy), "--connections", str(load.connections)]
        shape = ["--think", str(load.think), "--without", load.without, *(["--orderly"] if load.orderly else [])]
        files = ["--journal", str(judge.journal), "--summary", str(self.summary_path)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.adversary.writer", judge.conninfo, *numbers, *shape, *files, "--hot", *judge.hot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def tell(self, command: str) -> None:
        """Send a command and wait until it is done."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if answer != command.partition(" ")[0]:
            raise RuntimeError(f"the writer did not answer {command!r}")

    def summary(self) -> dict[str, Any]:
        """End the writer and return what it counted."""
        self.tell("stop")
        self._process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe: the summary is written
        self._process.wait(30)
        summary: dict[str, Any] = json.loads(self.summary_path.read_text(encoding="utf-8"))
        return summary

    def kill(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


class Pair:
    """The writer on the database and the one on the clone."""

    def __init__(self, ours: Process, clone: Process) -> None:
        self.ours, self.clone = ours, clone

    def phase(self, name: str) -> None:
        """Write on, and count for this phase."""
        for process in (self.ours, self.clone):
            process.tell(f"phase {name}")
            process.tell("resume")

    def pause(self) -> None:
        """Return when neither has a transaction open."""
        for process in (self.ours, self.clone):
            process.tell("pause")


@contextmanager
def writers(ours: Judge, clone: Judge, seed: int, load: Load) -> Iterator[Pair]:
    """Start both writers with one seed; they are ended with the block."""
    pair = Pair(Process(ours, seed, load), Process(clone, seed, load))
    try:
        yield pair
    finally:
        pair.ours.kill()
        pair.clone.kill()

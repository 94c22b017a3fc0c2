"""How long the verbs take through Prefect, with gates and report, and how much memory the command needs.

`artwork-migration up` starts a Prefect server and a worker; then each verb is run as an operator types it, in a process of its own. The
seconds are those of the whole command, its imports included. The memory is the largest resident size seen, read twenty times a second.
migrate-data is compared with the strategy's two statements, which verify nothing, and the memory with that of a smaller legacy table.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import data_phase, databases
from bench.results import Compared, Measured, Result, compare, tell
from sample.server import EmbeddedServer

#: The highest ratios: of migrate-data to the strategy's statements, and of the memory for all rows to that for the smaller table.
TO_THE_STRATEGY, TO_FEWER_ROWS = 1.5, 1.1
FEWER_ROWS = 100_000
PROGRAM = Path(sys.executable).with_name("artwork-migration")
APPROVAL = ("--approved-by", "bench", "--reason", "bench")
Commands = Mapping[str, tuple[str, ...]]
#: What is run and measured, from NOT_STARTED to SWITCHED. NUMBER is the number of the plan that the command before it has printed.
COMMANDS: Commands = {
    "plan deploy-schema": ("run", "deploy-schema"),
    "deploy-schema": ("run", "deploy-schema", "--plan", "NUMBER", *APPROVAL),
    "migrate-data": ("run", "migrate-data"),
    "migrate-data again": ("run", "migrate-data"),
    "plan switch-over": ("run", "switch-over"),
    "switch-over": ("run", "switch-over", "--plan", "NUMBER", *APPROVAL),
    "verify": ("run", "verify"),
}


@dataclass(frozen=True)
class Ended:
    """What a command has printed, how many seconds it took, and the most memory that it had, in MB."""

    output: str
    seconds: float
    megabytes: float


class Operator:
    """Somebody who types commands. They know the databases of one server, and the Prefect server that `up` starts."""

    def __init__(self, on: EmbeddedServer, folder: Path) -> None:
        self._on = on
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ARTWORK_"))}
        self._environment = {**inherited, "XDG_DATA_HOME": str(folder), "ARTWORK_REPORTS": str(folder / "reports")}
        self._prefect = on.url(f"{databases.PREFIX}prefect")

    def run(self, database: str, *words: str) -> Ended:
        """Run a command on a database. Raises RuntimeError with its output if it fails."""
        environment = {**self._environment, "ARTWORK_DATABASE_URL": self._on.url(database), "ARTWORK_PREFECT_DATABASE_URL": self._prefect}
        begun = time.perf_counter()
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen([PROGRAM, *words], env=environment, stdout=output, stderr=subprocess.STDOUT)
            megabytes = _peak(process)
            seconds = time.perf_counter() - begun
            output.seek(0)
            text = output.read()
        if process.returncode:
            raise RuntimeError(f"`artwork-migration {' '.join(words)}` ended with exit code {process.returncode}.\n{text}")
        return Ended(text, seconds, megabytes)

    def run_all(self, database: str, commands: Commands) -> dict[str, Ended]:
        """Run commands one after the other. Returns their ends by name."""
        ended: dict[str, Ended] = {}
        number = ""
        for name, words in commands.items():
            ended[name] = self.run(database, *(number if word == "NUMBER" else word for word in words))
            tell(f"{name}: {ended[name].seconds:.1f} s, {ended[name].megabytes:.0f} MB")
            number = "".join(re.findall(r"Plan ([0-9a-f]{8}) of", ended[name].output)[:1])
        return ended


def _peak(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process. Returns the largest resident size that was seen, in MB."""
    peak, measured = 0, psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, measured.memory_info().rss)
        time.sleep(0.05)
    return peak / 1e6


@contextmanager
def operator(on: EmbeddedServer, database: str) -> Iterator[Operator]:
    """Start a Prefect server and a worker for the time of the block."""
    databases.execute(on, "postgres", f"CREATE DATABASE {databases.PREFIX}prefect")
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        started = Operator(on, Path(folder))
        try:
            started.run(database, "up")
            yield started
        finally:
            started.run(database, "down")
            on.drop_database(f"{databases.PREFIX}prefect")


def measure(on: EmbeddedServer, rows: int, rounds: int, commands: Commands = COMMANDS) -> Iterator[Result]:
    """Run all verbs on a small and on the whole legacy table, then compare migrate-data with the strategy on clones."""
    with operator(on, databases.sample(on, rows)) as typing:
        small, whole = (_life_cycle(on, typing, amount, commands) for amount in (min(FEWER_ROWS, max(rows // 10, 1)), rows))
        for name, ended in whole.items():
            yield Measured(name, "s", (ended.seconds,))
        for name, ended in whole.items():
            yield Compared(f"memory of {name}, to fewer rows", "MB", ((small[name].megabytes, ended.megabytes),), TO_FEWER_ROWS)
        yield compare(
            "migrate-data to the strategy",
            data_phase.UNIT,
            other=data_phase.side(on, databases.deployed(on, rows), rows, data_phase.strategy, before=data_phase.finish),
            ours=data_phase.side(on, databases.deployed(on, rows), rows, lambda _, name: typing.run(name, *COMMANDS["migrate-data"])),
            rounds=rounds,
            bar=TO_THE_STRATEGY,
        )


def _life_cycle(on: EmbeddedServer, typing: Operator, rows: int, commands: Commands) -> dict[str, Ended]:
    with databases.cloned(on, databases.sample(on, rows)) as name:
        return typing.run_all(name, commands)

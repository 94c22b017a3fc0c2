"""The sample's application as a process of the demo's: it writes all the time, and pauses only to have its journal checked."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cli.demo_servers import HOME, SHOP
from sample.entry import Side
from sample.journal import JournalReport, check_journal
from sample.server import EmbeddedServer

#: Many clients: what waits for a lock are their writes.
WORKERS, RATE = 12, 100
#: A prepared SELECT * whose columns are others now: the one error that a switch may cause, and only once for each connection.
OUTDATED_PLAN = "0A000"


class ApplicationEnded(Exception):
    """The application is not there any more; what it said is in the terminal."""


@dataclass(frozen=True)
class Check:
    """The journal against one table, and what the application saw since the check before, in which the names change hands once at most:
    `errors` by SQLSTATE."""

    side: Side
    journal: JournalReport
    transactions: int
    errors: dict[str, int] = field(default_factory=dict)
    overcome: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing is missing, and every error was the one that may be and was overcome: one a connection for a change of names."""
        return self.journal.complete and set(self.errors) <= {OUTDATED_PLAN} and self.overcome == sum(self.errors.values()) <= WORKERS


class Application:
    """For the time of a `with` block. It ends by itself when this process does."""

    def __init__(self, server: EmbeddedServer, seed: int) -> None:
        self.journal = HOME / "journal.jsonl"
        self._conninfo = server.conninfo(SHOP)
        self._seed = seed
        self._before: dict[str, Any] = {"transactions": 0, "errors": {}}

    def __enter__(self) -> Self:
        self.journal.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sample.application", *_options(self._seed, self.journal)],
            env={**os.environ, "ARTWORK_APPLICATION_URL": self._conninfo},
            start_new_session=True,  # Ctrl-C in the terminal is for the demo, which ends it
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self, side: Side) -> Check:
        """Compare the journal with a table while no transaction is under way. Raises ApplicationEnded."""
        with self._paused() as summary:
            report = check_journal(self._conninfo, [self.journal], side)
        before, self._before = self._before, summary
        return Check(
            side,
            report,
            summary["transactions"] - before["transactions"],
            _since(before, summary, "seen"),
            sum(_since(before, summary, "retried_with_success").values()),
        )

    @contextmanager
    def _paused(self) -> Iterator[dict[str, Any]]:
        summary = self._told("pause")
        try:
            yield summary
        finally:
            self._told("resume")

    def _told(self, command: str) -> dict[str, Any]:
        """What it answers: its summary so far."""
        commands, answers = self._process.stdin, self._process.stdout
        if commands is None or answers is None:
            raise ApplicationEnded
        try:
            print(command, file=commands, flush=True)
            return dict(json.loads(answers.readline()))
        except (BrokenPipeError, json.JSONDecodeError):
            raise ApplicationEnded from None


def _options(seed: int, journal: Path) -> list[str]:
    pace = ["--workers", str(WORKERS), "--rate", str(RATE)]
    return ["--seed", str(seed), *pace, "--journal", str(journal), "--careful", "--commands"]


def _since(before: dict[str, Any], now: dict[str, Any], what: str) -> dict[str, int]:
    counts = {code: told[what] - before["errors"].get(code, {what: 0})[what] for code, told in now["errors"].items()}
    return {code: count for code, count in counts.items() if count}

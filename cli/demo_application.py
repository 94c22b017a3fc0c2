"""The sample's application as a process of the demo: it writes all the time, and pauses only while its journal is checked."""

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
from sample.journal import JournalReport, check_journal
from sample.journal_entry import Side
from sample.server import EmbeddedServer

#: Many clients, so that several writes wait for each lock.
WORKERS, RATE = 12, 100
#: A prepared SELECT * whose columns differ after the switch: the only error that a switch may cause, once per connection.
OUTDATED_PLAN = "0A000"


class ApplicationEnded(Exception):
    """The application has ended; its error is in the terminal."""


@dataclass(frozen=True)
class Check:
    """The journal compared with one table, and what the application got since the last check: `errors` by SQLSTATE, and how many were
    `retried` with success. Between two checks the tables are renamed at most once."""

    side: Side
    journal: JournalReport
    transactions: int
    errors: dict[str, int] = field(default_factory=dict)
    retried: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing is missing, and every error was an outdated plan whose retry succeeded, at most one per connection."""
        return self.journal.complete and set(self.errors) <= {OUTDATED_PLAN} and self.retried == sum(self.errors.values()) <= WORKERS


class Application:
    """The application, for the time of a `with` block. It also ends if this process dies."""

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
            start_new_session=True,  # Ctrl-C in the terminal reaches the demo alone, which ends the application
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

    @property
    def has_ended(self) -> bool:
        """Whether the application has ended; its error is in the terminal."""
        return self._process.poll() is not None

    def check(self, side: Side) -> Check:
        """Compare the journal with a table while no transaction is running. Raises ApplicationEnded."""
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
        summary = self._reply("pause")
        try:
            yield summary
        finally:
            self._reply("resume")

    def _reply(self, command: str) -> dict[str, Any]:
        """Send a command and return the reply: the summary of the application."""
        commands, replies = self._process.stdin, self._process.stdout
        if commands is None or replies is None:
            raise ApplicationEnded
        try:
            print(command, file=commands, flush=True)
            return dict(json.loads(replies.readline()))
        except (BrokenPipeError, json.JSONDecodeError):
            raise ApplicationEnded from None


def _options(seed: int, journal: Path) -> list[str]:
    limits = ["--workers", str(WORKERS), "--rate", str(RATE)]
    return ["--seed", str(seed), *limits, "--journal", str(journal), "--careful", "--commands"]


def _since(before: dict[str, Any], now: dict[str, Any], what: str) -> dict[str, int]:
    counts = {code: errors[what] - before["errors"].get(code, {what: 0})[what] for code, errors in now["errors"].items()}
    return {code: count for code, count in counts.items() if count}

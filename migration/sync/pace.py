"""Batches that lock rows of the application: how many rows each may have, and when a run leaves the rest of the log."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from migration.database import CLIENT_TOO_SLOW, CONNECTIONS_LOST, QUERY_CANCELED, RETRIED, backoff
from migration.errors import ConnectionLost, DatabaseError
from migration.ledger.runs import Run
from migration.sync import throttle

Result = TypeVar("Result")

#: Seconds that one batch should take: a session that needs one of its rows waits as long.
TARGET = 0.08
#: Rows of the first batch, and of the smallest that slowness alone leads to. Below, what each batch costs is the greater part, and catch-up
#: would be slower than the application.
FIRST = 250
#: A batch that exceeds the budget, or meets locked rows, becomes smaller still. It grows again however slow it is: on a busy machine even
#: one row takes longer than `TARGET`. After the budget was exceeded, so many batches keep their size first.
HELD = 16
#: The log must have become shorter at one of so many checks in a row, and the seconds between two of them.
CHECKS, CHECKED_EVERY = 2, 10.0
#: The batch has exceeded its budget: its statement was too long, or the client too slow to commit.
_TOO_LONG = (QUERY_CANCELED, CLIENT_TOO_SLOW)


class Pace:
    """How many rows the next batch may have: at most `most`, and as many as take about `TARGET` seconds."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = min(most, FIRST)
        self._held = 0

    def write(
        self,
        run: Run,
        action: str,
        batch: Callable[[Run, Connection, int], Result],
        *,
        applying: bool = False,
        throttled: bool = True,
        locks_rows: bool = True,
    ) -> Result:
        """Run one batch of the present size in a transaction within the budget for row locks, and return what it returned.

        If `throttled`, it begins once the migration is not paused and the server is not behind (`throttle`). Without `locks_rows` it has no
        budget. A batch that exceeds the budget, or loses a conflict, is repeated with a fourth of the rows; a single row as often as any
        conflict.
        """
        seconds = 0.0

        def timed(connection: Connection) -> Result:
            nonlocal seconds
            begun = time.monotonic()
            result = batch(run, connection, self.size)
            seconds = time.monotonic() - begun
            return result

        if throttled:
            throttle.may_continue(run)
        failed = lost = 0
        while True:
            try:
                once = None if self.size == 1 else 1
                result = run.database.write(action, timed, applying=applying, application_code=True, locks_rows=locks_rows, attempts=once)
            except DatabaseError as error:
                failed += self.size == 1
                if error.sqlstate not in (*_TOO_LONG, *(RETRIED if once else ())) or failed == run.database.attempts:
                    raise
            except ConnectionLost:
                lost += 1
                if lost == CONNECTIONS_LOST:
                    raise
            else:
                self._adapt(seconds)
                return result
            self.shrink()
            self._held = HELD
            time.sleep(backoff(failed + lost))

    def shrink(self) -> None:
        """Take fewer rows from now on."""
        self.size = max(1, self.size // 4)

    def _adapt(self, seconds: float) -> None:
        if seconds < TARGET / 2:
            self.size = min(self.most, self.size * 2)
        elif self._held:
            self._held -= 1
        elif self.size < FIRST:
            self.size = min(self.most, FIRST, self.size * 2)
        elif seconds > TARGET:
            self.size = max(FIRST, self.size // 2)


class Backlog:
    """The ids in the log. A run applies them while the application adds others, on a busy machine as fast as they are applied."""

    def __init__(self, run: Run, count: Callable[[], int]) -> None:
        self._run, self._count = run, count
        self.left = count()
        self._longer, self._since = 0, time.monotonic()
        self._next = self._since + CHECKED_EVERY
        run.log_is_left = False

    def is_to_be_left(self) -> bool:
        """Return whether the log has not become shorter, `CHECKS` times in a row, with a warning. Call it before each batch.

        `run.log_is_left` says so from then on. Waiting for the server does not count.
        """
        waited = throttle.may_continue(self._run)
        now = time.monotonic()
        if not waited and now < self._next:
            return False
        before, self.left = self.left, self._count()
        self._next = time.monotonic() + CHECKED_EVERY
        if waited or self.left < before:
            self._longer, self._since = 0, now
            return False
        self._longer += 1
        if self._longer < CHECKS:
            return False
        self._run.log_is_left = True
        self._run.warn(
            f"{self._run.verb}: the log has not become shorter for {now - self._since:,.0f} s: the application changes artworks as fast as"
            f" they are applied, and {self.left:,} changes are left. The run continues without waiting for them."
        )
        return True

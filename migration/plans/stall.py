"""How long the application waits for an attempt under locks, measured statement by statement on the server, also if it fails."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from sqlalchemy import Connection

import sql
from migration import database
from migration.ledger.ledger import LockAttempt, StatementSeconds
from migration.plans.plan import Statement

#: The SQLSTATE of the notices by which `locks/execute_locked` reports times.
MEASURED = "AM007"


class Stopwatch:
    """Measures one attempt to execute these statements."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._statements = statements
        self._begun: float | None = None
        self._done = [0.0]
        self._waiting_since: float | None = None

    @contextmanager
    def measuring(self, connection: Connection) -> Iterator[None]:
        """Start when the block begins, in which the server executes the statements."""
        with database.hearing(connection, MEASURED, self._hear):
            self._begun = time.monotonic()
            yield

    def _hear(self, notice: str) -> None:
        what, seconds = notice.split()
        if what == "done":
            self._done.append(float(seconds))
        else:
            self._waiting_since = time.monotonic() - float(seconds)

    def stop(self, outcome: str) -> LockAttempt | None:
        """Return what was measured when all locks are released; None if it asked for none. The statement that failed has the rest."""
        if self._begun is None:
            return None
        now = time.monotonic()
        done = [later - earlier for earlier, later in pairwise(self._done)]
        if len(done) < len(self._statements):
            done.append(now - self._begun - self._done[-1])
        took = list(zip(self._statements, done, strict=False))
        return LockAttempt(
            outcome=outcome,
            seconds=now - self._begun,
            lock_wait=sum(seconds for statement, seconds in took if statement.kind in (sql.TABLE_LOCK, sql.VIEW_LOCK)),
            longest_wait=now - self._waiting_since if self._waiting_since is not None else None,
            statements=[StatementSeconds(object=statement.object, seconds=round(seconds, 6)) for statement, seconds in took],
        )

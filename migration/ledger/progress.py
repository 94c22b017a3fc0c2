"""What a run does at the moment, and how far it is: one object that its steps report to, and the table in which other processes read it."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from migration import database
from migration.database import Database
from migration.errors import MigrationError

#: Seconds between two counts of a followed step, and between two reports to the ledger.
COUNT_EVERY, REPORT_EVERY = 0.25, 1.0
#: A rate is that of the younger half of a step, and of so many seconds at least: over less time, it says nothing.
SHORTEST_WINDOW = 2.0
#: The fraction of a step that has not ended, at most: a total that was counted at the beginning may be too small.
NEARLY_DONE = 0.99
#: Returns how much a step has done by now, or None if the server does not know.
Count = Callable[[Connection], int | None]
#: The newest runs of this process; the terminal shows them.
NEWEST: "deque[Progress]" = deque(maxlen=8)


@dataclass(frozen=True)
class StepProgress:
    """How far a step is: `done` of `total` in `unit`; `total` is None if it cannot be known.

    `fraction` never falls, and is 1 only at the end. `rate` is that of recent work, per second. `seconds` is the time so far, `idle` the
    time since the last increment. `outcome` is empty while the step runs, then done or failed. A step within a step has the `depth` 1.
    """

    step: str
    depth: int
    begun_at: datetime
    unit: str = "rows"
    done: int = 0
    total: int | None = None
    fraction: float = 0.0
    rate: float | None = None
    seconds: float = 0.0
    idle: float = 0.0
    outcome: str = ""

    @property
    def seconds_left(self) -> float | None:
        """The time that is left at the recent rate; None without a rate, and after the total has turned out to be too small.

        What follows the last row counts as the rows that would take as long.
        """
        if self.outcome or not self.rate or not self.fraction or self.total is None:
            return None
        whole = max(self.total, self.done / self.fraction) if self.fraction < NEARLY_DONE else self.total
        return max(0.0, (whole - self.done) / self.rate - self.idle) if self.done < whole else None


@dataclass(frozen=True)
class Reported:
    """A step as another process has reported it to the ledger: the run, and the seconds since the run's last report."""

    run_name: str
    unseen: float
    step: StepProgress


@dataclass
class _Step:
    """A step that reports. `increments` are what was done by when; the first is the beginning of the count.

    `share` is that of the units in its time: after the last of them, a statement may still have to sort, for example.
    """

    name: str
    depth: int
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    begun: float = field(default_factory=time.monotonic)
    ended: float | None = None
    outcome: str = ""
    unit: str = "rows"
    done: int = 0
    total: int | None = None
    fraction: float = 0.0
    share: float = 1.0
    count: Count | None = None
    increments: list[tuple[float, int]] = field(default_factory=list)

    def expect(self, total: int | None, unit: str, done: int, share: float, count: Count | None) -> None:
        self.total = None if total is None else (self.total or 0) + total
        self.unit, self.share, self.count = unit, share, count
        self.increments = self.increments or [(time.monotonic(), done)]
        self.reach(done)

    def reach(self, done: int) -> None:
        """Note that so much is done. Less than before is ignored: a chunk that is repeated reads its rows again."""
        if done > self.done:
            self.done = done
            self.increments.append((time.monotonic(), done))
        elif self.count and len(self.increments) == 1:
            self.increments = [(time.monotonic(), self.done)]  # the rows have not begun: a hash table is built, for example
        if self.total:
            self.fraction = max(self.fraction, min(NEARLY_DONE, self.share * self.done / self.total))

    def leave_out(self, inner: "_Step") -> None:
        """Leave the time of a step within this one out of its rate: a run that was paused continues as fast as before."""
        taken = (inner.ended or inner.begun) - inner.begun
        self.increments = [(moment + taken, done) for moment, done in self.increments]

    def end(self, outcome: str) -> None:
        self.ended, self.outcome = time.monotonic(), outcome
        if outcome == "done":
            self.fraction = 1.0
            if self.count and self.total:  # the last count was some time before the end
                self.done = max(self.done, self.total)
        self.count, self.increments = None, self.increments[-1:]

    def snapshot(self) -> StepProgress:
        now = self.ended or time.monotonic()
        since = self.increments[-1][0] if self.increments else self.begun
        return StepProgress(
            step=self.name,
            depth=self.depth,
            begun_at=self.begun_at,
            unit=self.unit,
            done=self.done,
            total=self.total,
            fraction=self.fraction,
            rate=recent_rate(self.increments),
            seconds=now - self.begun,
            idle=now - since,
            outcome=self.outcome,
        )


def recent_rate(increments: list[tuple[float, int]]) -> float | None:
    """Return the rate of the younger half of the increments, per second; None as long as it is not known.

    The first increment is left out: a step begins with other work, or slowly.
    """
    if len(increments) < 3:
        return None
    last, done = increments[-1]
    oldest = last - max(SHORTEST_WINDOW, (last - increments[1][0]) / 2)
    base = next((seen for seen in reversed(increments[1:]) if seen[0] <= oldest), None)
    return (done - base[1]) / (last - base[0]) if base else None


class Progress:
    """What a run does. The run's own code opens steps and reports what is done; other threads read `steps`."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._open: list[_Step] = []
        self._lock = threading.Lock()
        self.ended = False
        #: rows of a table, as far as they were counted
        self.known: dict[str, int] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step, for the time of the block. What is reported in the block is about it, or about a step within it."""
        step = _Step(name, depth=min(1, len(self._open)))
        with self._lock:
            self._steps.append(step)
            self._open.append(step)
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            with self._lock:
                self._open.remove(step)
                step.end(outcome)
                for outer in self._open:
                    outer.leave_out(step)

    def expect(self, total: int | None, unit: str = "rows", *, done: int = 0, share: float = 1.0, count: Count | None = None) -> None:
        """Add `total` to what the open step has to do, or None if it cannot be known; `done` of it is done already.

        It takes this `share` of the step's time; what follows cannot be counted. With `count`, nothing need be added: it returns how
        much is done by now, and is called in a second session all the time.
        """
        with self._lock:
            if self._open:
                self._open[-1].expect(total, unit, done, share, count)

    def add(self, done: int) -> None:
        """Report that so much more is done. May be called in any thread."""
        with self._lock:
            if self._open:
                self._open[-1].reach(self._open[-1].done + done)

    def count(self, target: Database) -> None:
        """Count what the open step has done, if it is one that is counted. Raises MigrationError."""
        with self._lock:
            step = self._open[-1] if self._open else None
            count = step.count if step else None
        if step is None or count is None:
            return
        with target.transaction("counting what is done", transaction_read_only="on") as connection:
            done = count(connection)
        with self._lock:
            if done is not None and not step.outcome:
                step.reach(min(done, step.total or 0))

    @property
    def steps(self) -> list[StepProgress]:
        """The steps in the order in which they began."""
        with self._lock:
            return [step.snapshot() for step in self._steps]

    @property
    def running(self) -> StepProgress | None:
        """The innermost step that is running."""
        with self._lock:
            return self._open[-1].snapshot() if self._open else None


@contextmanager
def reported(progress: Progress, target: Database, run_name: str) -> Iterator[None]:
    """Count and report the progress to the ledger during the block, in a thread and a session of its own.

    A report that fails is left out: the run does not depend on it.
    """
    NEWEST.append(progress)
    over = threading.Event()
    own = Database(target.url, name=f"{target.name[:54]} progress")
    thread = threading.Thread(target=_report, args=(progress, own, run_name, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        progress.ended = True
        thread.join(timeout=5)


def read(connection: Connection) -> list[Reported]:
    """Return the steps that active runs have reported, in their order. A run that was killed leaves its steps."""
    if not _is_there(connection):
        return []
    found = []
    for row in database.rows(connection, "progress/reported"):
        run_name, unseen = row.pop("run_name"), float(row.pop("unseen"))
        step = StepProgress(**row)
        if not step.outcome:  # it has gone on since
            step = StepProgress(**{**asdict(step), "seconds": step.seconds + unseen, "idle": step.idle + unseen})
        found.append(Reported(run_name, unseen, step))
    return found


def _report(progress: Progress, target: Database, run_name: str, over: threading.Event) -> None:
    due, written = time.monotonic() + REPORT_EVERY, False
    while not over.wait(COUNT_EVERY):
        with suppress(MigrationError):
            progress.count(target)
        if time.monotonic() >= due:
            with suppress(MigrationError):
                written |= _write(progress, target, run_name)
            due = time.monotonic() + REPORT_EVERY
    if written:
        with suppress(MigrationError), target.transaction("ending the report of progress", synchronous_commit="off") as connection:
            if _is_there(connection):
                database.run(connection, "progress/forget", run_name=run_name)
    target.dispose()


def _write(progress: Progress, target: Database, run_name: str) -> bool:
    """Write the steps to the ledger, if there is one. Returns whether it was written."""
    steps = [{"place": place, **asdict(step)} for place, step in enumerate(progress.steps)]
    with target.transaction("reporting progress", synchronous_commit="off", lock_timeout="1s") as connection:
        if not steps or not _is_there(connection):
            return False
        database.run(connection, "progress/report", run_name=run_name, steps=json.dumps(steps, default=str))
        return True


def _is_there(connection: Connection) -> bool:
    """Return whether the ledger has the table: before the first plan there is no ledger."""
    return bool(connection.execute(text("SELECT TO_REGCLASS('artwork_migration.progress') IS NOT NULL")).scalar_one())

"""One writer at a time: a session's advisory lock, the fence behind it, and the refusal that names who is at work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from migration import database
from migration.database import Database
from migration.errors import PrerequisitesNotMet, Problem, RunInProgress, WrongPhase
from migration.ledger import ledger
from migration.ledger.phases import Phase
from migration.settings import Settings


class Run:
    """A run of a verb that holds the lock. `epoch` is its row in phase_history, 0 until it has begun to write; `seconds` are those of its
    steps so far.

    No dataclass: Prefect takes those apart when they are handed to a task, and would hand on a copy.
    """

    def __init__(self, database: Database, settings: Settings, *, verb: str, name: str, run_id: str) -> None:
        self.database = database
        self.settings = settings
        self.verb = verb
        self.name = name
        self.id = run_id
        self.epoch = 0
        self.seconds: dict[str, float] = {}

    def begin(self, *, approved_by: str | None = None, reason: str | None = None, plan: str | None = None) -> None:
        """Take the epoch: from here on no older run can commit behind the fence."""
        approval = {"approved_by": approved_by, "reason": reason, "plan": plan}
        self.epoch = self.database.write(
            f"beginning {self.verb}",
            lambda connection: ledger.begin_run(connection, verb=self.verb, run_name=self.name, run_id=self.id, approval=approval),
        )

    def phase(self) -> Phase:
        """The phase in force."""
        with self.database.transaction("reading the phase") as connection:
            return ledger.phase(connection).phase

    def require(self, *wanted: Phase) -> Phase:
        """Refuse with WrongPhase unless the database is in one of these phases."""
        found = self.phase()
        if found not in wanted:
            raise WrongPhase(self.verb, found, [str(phase) for phase in wanted], found.next_verbs)
        return found

    def has_steps_left(self, phase: Phase) -> bool:
        """Whether the database is in this phase and an earlier run of this verb has left something to do."""
        with self.database.transaction("looking for steps left") as connection:
            return ledger.phase(connection).phase is phase and bool(ledger.steps_left(connection, self.verb))

    def require_ledger(self) -> None:
        """Refuse with WrongPhase where there is nothing to take away, or where the names must change hands first."""
        wanted = (Phase.DEPLOYED, Phase.MIGRATED)
        with self.database.transaction("looking for the ledger") as connection:
            found = ledger.phase(connection).phase
            if not ledger.exists(connection) or found in (Phase.SWITCHED, Phase.CLEANED):
                raise WrongPhase(self.verb, found, [str(phase) for phase in wanted], found.next_verbs)

    def end(self, outcome: str, *, phase_after: Phase | None = None, **details: object) -> None:
        """Note the outcome; with `phase_after` this transaction makes that phase true."""
        self.database.write(
            f"ending {self.verb}",
            lambda connection: ledger.end_run(connection, self.epoch, outcome=outcome, phase_after=phase_after, details=dict(details)),
        )


@contextmanager
def exclusive(target: Database, settings: Settings, *, verb: str, name: str, run_id: str) -> Iterator[Run]:
    """Hold the run's lock while the body runs. Raises RunInProgress, naming the holder, after `run_wait_seconds`.

    Locks: advisory (1634890865, 1) on an idle autocommit connection, so that it never stands in the way of CREATE INDEX CONCURRENTLY.
    """
    refuse_pooler(target, verb)
    with target.autocommit("taking the run's lock") as connection:
        connection.detach()  # closed at the end, not given back to the pool with the lock still on it
        deadline = time.monotonic() + settings.run_wait_seconds
        while not (_had(connection, "run/try_lock") and _fence_is_free(target)):
            if time.monotonic() >= deadline:
                raise RunInProgress([row["holder"] for row in database.rows(connection, "run/holders")] or ["another run"])
            time.sleep(0.2)
        yield Run(target, settings, verb=verb, name=name, run_id=run_id)


def _had(connection: Connection, name: str) -> bool:
    return bool(database.run(connection, name).scalar_one())


def _fence_is_free(target: Database) -> bool:
    with target.transaction("looking for orphaned backends") as connection:
        return _had(connection, "run/fence_is_free")


def enter_fence(connection: Connection, epoch: int, *, exclusively: bool) -> None:
    """Enter the fence until the transaction ends; asks again for up to 10 s. Raises RunInProgress or (by the epoch) Overtaken."""
    deadline = time.monotonic() + 10
    while not connection.execute(
        text("SELECT artwork_migration.enter_fence(:epoch, :exclusively)"), {"epoch": epoch, "exclusively": exclusively}
    ).scalar_one():
        if time.monotonic() >= deadline:
            raise RunInProgress([row["holder"] for row in database.rows(connection, "run/holders")] or ["another run"])
        time.sleep(0.05)


def refuse_pooler(target: Database, verb: str) -> None:
    """Refuse a transaction pooler: behind it a session's lock protects nothing. Seen by the port, or by a backend that changes."""
    if target.url.port == 6543 or _backend_changes(target):
        raise PrerequisitesNotMet(
            verb,
            [
                Problem(
                    "transaction_pooler",
                    "ARTWORK_DATABASE_URL",
                    "it leads to a transaction pooler, where the lock of a run would protect nothing.",
                    "Give the address of the server itself or of a session pooler (on Supabase port 5432).",
                )
            ],
        )


def _backend_changes(target: Database) -> bool:
    question = text("SELECT PG_BACKEND_PID()")
    with target.autocommit("looking for a pooler") as first:
        before = first.execute(question).scalar_one()
        with target.transaction("looking for a pooler") as second:
            other = second.execute(question).scalar_one()
            return bool(other == before or first.execute(question).scalar_one() != before)

"""One writer at a time: a session's advisory lock, the fence behind it, and the refusal that names who is at work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text

from migration import database
from migration.database import Database
from migration.errors import BadInput, PrerequisitesNotMet, Problem, RunInProgress, WrongPhase
from migration.ledger import ledger
from migration.ledger.phases import ROLL_BACK_TO_NOT_STARTED, Phase, Verb
from migration.settings import Settings


@dataclass(frozen=True)
class Approval:
    """Who approved a plan by its number, and why."""

    plan: str
    approved_by: str
    reason: str

    @classmethod
    def given(cls, plan: str | None, approved_by: str | None, reason: str | None) -> "Approval | None":
        """The approval in a verb's parameters; None without a number. Raises BadInput if it names nobody or no reason."""
        number, who, why = ((text or "").strip() for text in (plan, approved_by, reason))
        if not number:
            return None
        if not who or not why:
            raise BadInput("A plan's number needs approved_by and reason. Nothing was changed. To fix: give who approves it, and why.")
        return cls(number, who, why)


class Run:
    """A run of a verb that holds the lock. `epoch` is its row in phase_history, 0 until it has begun to write; `seconds` are those of its
    steps so far.

    No dataclass: Prefect takes those apart when they are handed to a task, and would hand on a copy.
    """

    def __init__(self, database: Database, settings: Settings, *, verb: Verb, name: str, run_id: str) -> None:
        self.database = database
        self.settings = settings
        self.verb = verb
        self.name = name
        self.id = run_id
        self.epoch = 0
        self.seconds: dict[str, float] = {}

    def begin(self, approval: Approval | None = None) -> None:
        """Take the epoch: from here on no older run can commit behind the fence."""
        given = {name: getattr(approval, name, None) for name in ("plan", "approved_by", "reason")}
        self.epoch = self.database.write(
            f"beginning {self.verb}",
            lambda connection: ledger.begin_run(connection, verb=self.verb.name, run_name=self.name, run_id=self.id, approval=given),
        )

    def resume(self) -> bool:
        """Begin, if a run of this verb was killed after its commit and has left steps to do. Returns whether it was."""
        with self.database.transaction("looking for steps left") as connection:
            in_phase = ledger.phase(connection).phase is self.verb.brings
            left = self.verb.resumes and in_phase and bool(ledger.steps_left(connection, self.verb.name))
        if left:
            self.begin()
        return left

    def phase(self) -> Phase:
        """The phase in force."""
        with self.database.transaction("reading the phase") as connection:
            return ledger.phase(connection).phase

    def require_phase(self) -> None:
        """Refuse with WrongPhase unless the verb starts in the phase that the database is in.

        A ledger that is left in NOT_STARTED is the rest of a rollback, which the same verb takes away.
        """
        with self.database.transaction("reading the phase") as connection:
            found = ledger.phase(connection).phase
            rest = self.verb is ROLL_BACK_TO_NOT_STARTED and found is self.verb.brings and ledger.exists(connection)
        if found not in self.verb.starts and not rest:
            raise WrongPhase(self.verb.name, found, self.verb.starts, [str(verb) for verb in found.next_verbs])

    def end(self, outcome: str, *, phase_after: Phase | None = None, **details: object) -> None:
        """Note the outcome; with `phase_after` this transaction makes that phase true."""
        self.database.write(
            f"ending {self.verb}",
            lambda connection: ledger.end_run(connection, self.epoch, outcome=outcome, phase_after=phase_after, details=dict(details)),
        )


@contextmanager
def exclusive(target: Database, settings: Settings, *, verb: Verb, name: str, run_id: str) -> Iterator[Run]:
    """Hold the run's lock while the body runs. Raises RunInProgress, naming the holder, after `run_wait_seconds`.

    Locks: advisory (1634890865, 1) on an idle autocommit connection, so that it never stands in the way of CREATE INDEX CONCURRENTLY.
    """
    refuse_pooler(target, verb.name)
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

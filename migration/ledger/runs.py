"""One run at a time: an advisory lock of a session, the fence behind it, and the error that names the run which holds it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.database import Database
from migration.errors import BadInput, PrerequisitesNotMet, Problem, RunInProgress, WrongPhase
from migration.ledger import ledger
from migration.ledger.phases import DEPLOY_SCHEMA, ROLL_BACK_TO_NOT_STARTED, Phase, Verb
from migration.settings import Settings


@dataclass(frozen=True)
class Approval:
    """The approval of a plan by its number: who gave it, and why."""

    plan: str
    approved_by: str
    reason: str

    @classmethod
    def given(cls, plan: str | None, approved_by: str | None, reason: str | None) -> "Approval | None":
        """Return the approval from a verb's parameters; None without a number. Raises BadInput if the name or the reason is missing."""
        number, who, why = ((text or "").strip() for text in (plan, approved_by, reason))
        if not number:
            return None
        if not who or not why:
            raise BadInput(
                "The number of a plan requires approved_by and reason. Nothing was changed. To fix: give who approves it, and why."
            )
        return cls(number, who, why)


class Run:
    """A run of a verb that holds the lock.

    `epoch` is its row in phase_history, 0 until it begins to write; `seconds` has the time of each step so far. This is no dataclass,
    because Prefect would give a task a copy of that.
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
        """Record the run and take its epoch. From then on the fence stops every older run."""
        approved = asdict(approval) if approval else {}
        self.epoch = self.database.write(
            f"beginning {self.verb}",
            lambda connection: ledger.begin_run(connection, verb=self.verb.name, run_name=self.name, run_id=self.id, **approved),
        )

    def resume(self) -> bool:
        """Begin if a run of this verb was killed after its commit and left steps to do. Returns whether one was."""
        with self.database.transaction("reading the steps left") as connection:
            in_phase = ledger.phase(connection).phase is self.verb.brings
            left = self.verb.resumes and in_phase and bool(ledger.steps_left(connection, self.verb.name))
        if left:
            self.begin()
        return left

    def phase(self) -> Phase:
        """Return the phase in force."""
        with self.database.transaction("reading the phase") as connection:
            return ledger.phase(connection).phase

    def require_phase(self) -> None:
        """Raise WrongPhase unless the verb starts in the phase in force.

        A ledger in phase NOT_STARTED is what a killed rollback has left; the same verb removes it.
        """
        with self.database.transaction("reading the phase") as connection:
            phase = ledger.phase(connection).phase
            rest = self.verb is ROLL_BACK_TO_NOT_STARTED and phase is self.verb.brings and ledger.exists(connection)
        if phase not in self.verb.starts and not rest:
            raise WrongPhase(str(self.verb), phase, self.verb.starts, [str(verb) for verb in phase.next_verbs])

    def end(self, outcome: str, *, phase_after: Phase | None = None, **details: object) -> None:
        """Record the outcome. With `phase_after`, this transaction makes that phase true."""
        self.database.write(
            f"ending {self.verb}",
            lambda connection: ledger.end_run(connection, self.epoch, outcome=outcome, phase_after=phase_after, details=dict(details)),
        )


@contextmanager
def exclusive(target: Database, settings: Settings, *, verb: Verb, name: str, run_id: str) -> Iterator[Run]:
    """Hold the lock of the run during the block. Raises RunInProgress, which names the holder, after `run_wait_seconds`.

    Locks: advisory (1634890865, 1), on an idle connection outside a transaction, so that it never blocks CREATE INDEX CONCURRENTLY. The
    first key is `artq` in ASCII, which all locks of this tool have.
    """
    refuse_pooler(target, verb.name)
    with target.autocommit("taking the run's lock") as connection:
        deadline = time.monotonic() + settings.run_wait_seconds
        while not (_is_true(connection, "locks/try_lock") and _fence_is_free(target)):
            if time.monotonic() >= deadline:
                raise RunInProgress([row["holder"] for row in database.rows(connection, "locks/holders")] or ["another run"])
            time.sleep(0.2)
        if verb is not DEPLOY_SCHEMA:  # which reports all its prerequisites together
            require_all_rows(target, verb.name)
        yield Run(target, settings, verb=verb, name=name, run_id=run_id)


def _is_true(connection: Connection, name: str) -> bool:
    return bool(database.run(connection, name).scalar_one())


def _fence_is_free(target: Database) -> bool:
    with target.transaction("checking the fence") as connection:
        return _is_true(connection, "locks/fence_is_free")


def enter_fence(connection: Connection, epoch: int, *, exclusively: bool) -> None:
    """Enter the fence until the end of the transaction, within 10 s. Raises RunInProgress, or Overtaken if a newer run has begun."""
    deadline = time.monotonic() + 10
    while not connection.execute(
        text("SELECT artwork_migration.enter_fence(:epoch, :exclusively)"), {"epoch": epoch, "exclusively": exclusively}
    ).scalar_one():
        if time.monotonic() >= deadline:
            raise RunInProgress([row["holder"] for row in database.rows(connection, "locks/holders")] or ["another run"])
        time.sleep(0.05)


def require_all_rows(target: Database, verb: str) -> None:
    """Raise PrerequisitesNotMet if row level security hides rows from us, with each table and the statement that shows them."""
    file = sql.load("plan/prerequisites/row_security")
    if found := target.read(file.name):
        raise PrerequisitesNotMet(verb, [Problem.found(file.rule, file.header["remedy"], row) for row in found])


def refuse_pooler(target: Database, verb: str) -> None:
    """Raise PrerequisitesNotMet behind a transaction pooler, where the lock of a session protects nothing.

    It is recognized by its port, or by a backend that changes between transactions.
    """
    if target.url.port == 6543 or _backend_changes(target):
        raise PrerequisitesNotMet(
            verb,
            [
                Problem(
                    "transaction_pooler",
                    "ARTWORK_DATABASE_URL",
                    "it is the address of a transaction pooler, behind which the lock of a run protects nothing.",
                    "Give the address of the server or of a session pooler (on Supabase port 5432).",
                )
            ],
        )


def _backend_changes(target: Database) -> bool:
    question = text("SELECT PG_BACKEND_PID()")
    with target.untouched("looking for a pooler") as first:
        before = first.execute(question).scalar_one()
        with target.untouched("looking for a pooler") as second:
            other = second.execute(question).scalar_one()
            return bool(other == before or first.execute(question).scalar_one() != before)

"""One run at a time: an advisory lock of a session, the fence behind it, and the error that names the run which holds it."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.database import Database
from migration.errors import (
    BadInput,
    ConnectionLost,
    DatabaseUnreachable,
    MigrationError,
    NotFinished,
    NothingToJoin,
    OutcomeUnknown,
    PrerequisitesNotMet,
    Problem,
    RunInProgress,
    WrongPhase,
)
from migration.ledger import ledger
from migration.ledger.phases import DEPLOY_SCHEMA, ROLL_BACK_TO_NOT_STARTED, Phase, Verb
from migration.ledger.progress import Progress, reported
from migration.settings import Settings

#: That another version of this tool did not create the ledger: it comes first, because the others may read it.
_LAYOUT = "plan/prerequisites/other_layout"
#: What every run relies on and what may change after the plan of deploy_schema: a primary server that can be written to, no limit that ends
#: our sessions, and that we see every row.
_WORKING_CONDITIONS = (
    "plan/prerequisites/standby",
    "plan/prerequisites/usage_privilege",
    "plan/prerequisites/session_setting",
    "plan/prerequisites/row_security",
    "plan/prerequisites/deadlock_timeout",
    "plan/blockers/role_timeout",
)


#: The number of a plan begins with one of these, and has seven more hexadecimal digits. With an e, 1e5 would be a number in JSON.
FIRST_LETTERS = "abcdf"


@dataclass(frozen=True)
class Approval:
    """The approval of a plan by its number: who gave it, and why."""

    plan: str
    approved_by: str
    reason: str

    @classmethod
    def given(cls, plan: str, approved_by: str, reason: str) -> "Approval | None":
        """Return the approval from a verb's parameters; None if all are empty. The number may have blanks, quotes and capitals.

        Raises BadInput if something is missing, or if the number cannot be one.
        """
        number, who, why = plan.strip(" \t\r\n\"'`").lower().removeprefix("plan").lstrip(" -"), approved_by.strip(), reason.strip()
        if not number and not who and not why:
            return None
        if not number:
            raise BadInput(
                "approved_by and reason require the number of a plan. Nothing was changed. To fix: leave all three empty to make a plan, "
                "read it, then give its number too."
            )
        if not re.fullmatch(f"[{FIRST_LETTERS}][0-9a-f]{{7}}", number):
            raise BadInput(
                "What was given as plan is not the number of a plan. Nothing was changed. To fix: copy the number from the plan's "
                "heading: it has eight characters, digits and letters up to f, and begins with a letter."
            )
        if not who or not why:
            raise BadInput(
                "The number of a plan requires approved_by and reason. Nothing was changed. To fix: give who approves it, and why."
            )
        return cls(number, who, why)


class Run:
    """A run of a verb that holds the lock, in its `lock_session`, or has `joined` the copy of one that does: of the run of that name.

    `repeats` is how often a step is repeated after a lost connection where Prefect does not do it.
    `epoch` is its row in phase_history, 0 until it begins to write; `begun` says that it has asked for one. `found` is the phase that it
    started in. `brought` says whether the phase of its verb is committed: None while the server has not answered the COMMIT. `seconds` has
    the time of each step so far, `progress` what the run does now. `warn` logs what an operator should know at once. `next_reading` is
    when, on the monotonic clock, the run next reads whether the server is behind. `log_is_left` says that the newest catch-up or carry-back
    has ended before the log was empty, because it did not become shorter. This is no dataclass, because Prefect would give a task
    a copy of that.
    """

    def __init__(self, database: Database, settings: Settings, *, verb: Verb, name: str, run_id: str) -> None:
        self.database = database
        self.settings = settings
        self.verb = verb
        self.name = name
        self.id = run_id
        self.lock_session: Connection | None = None
        self.joined = ""
        self.epoch = 0
        self.begun = False
        self.found: Phase | None = None
        self.brought: bool | None = False
        self.repeats = 0
        self.seconds: dict[str, float] = {}
        self.warn: Callable[[str], None] = logging.getLogger("artwork_migration").warning
        self.next_reading = 0.0
        self.log_is_left = False
        self.progress = Progress()

    def begin(self, approval: Approval | None = None) -> None:
        """Record the run and take its epoch. From then on the fence stops every older run."""
        approved = asdict(approval) if approval else {}
        self.begun = True
        self.epoch = self.database.write(
            f"beginning {self.verb}",
            lambda connection: ledger.begin_run(connection, verb=self.verb.name, run_name=self.name, run_id=self.id, **approved),
        )
        if self.lock_session:
            database.run(self.lock_session, "locks/hold_epoch", run=self.epoch)

    def join(self) -> None:
        """Take the epoch of the run that is copying. Raises NothingToJoin if none is."""
        with self.database.transaction("looking for a copy", transaction_read_only="on") as connection:
            copy = copy_at_work(connection)
        if copy is None:
            raise NothingToJoin
        self.epoch, self.joined = copy.run, copy.run_name

    def resume(self) -> bool:
        """Begin if a run of this verb was killed after its commit and left steps to do. Returns whether one was."""
        left = self.has_steps_left()
        if left:
            self.brought = True
            self.begin()
        return left

    def has_steps_left(self) -> bool:
        """Return whether a run of this verb was killed after its commit and left steps to do."""
        with self.database.transaction("reading the steps left") as connection:
            in_phase = ledger.phase(connection).phase is self.verb.brings
            return self.verb.resumes and in_phase and bool(ledger.steps_left(connection, self.verb.name))

    def phase(self) -> Phase:
        """Return the phase in force."""
        with self.database.transaction("reading the phase") as connection:
            return ledger.phase(connection).phase

    def require_phase(self) -> None:
        """Raise WrongPhase unless the verb starts in the phase in force.

        A ledger in phase NOT_STARTED is what a killed rollback has left; the same verb removes it.
        """
        with self.database.transaction("reading the phase") as connection:
            phase = self.found = ledger.phase(connection).phase
            rest = self.verb is ROLL_BACK_TO_NOT_STARTED and phase is self.verb.brings and ledger.exists(connection)
        if phase not in self.verb.starts and not rest:
            raise WrongPhase(str(self.verb), phase, self.verb.starts, [str(verb) for verb in phase.next_verbs])

    def end(self, outcome: str, *, phase_after: Phase | None = None, **details: object) -> None:
        """Record the outcome. With `phase_after`, this transaction makes that phase true."""

        def end(connection: Connection) -> None:
            ledger.end_run(connection, self.epoch, outcome=outcome, phase_after=phase_after, details=dict(details))
            if phase_after:
                self.brought = None

        self.database.write(f"ending {self.verb}", end)
        if phase_after:
            self.brought = True

    def interrupted(self, error: DatabaseUnreachable) -> DatabaseUnreachable:
        """Return the error with which a run ends whose connection was lost: what is known of its phase, and what that means."""
        if not self.epoch and not self.brought:
            recorded = "Nothing was changed, except that this run may be recorded as begun."
            return DatabaseUnreachable(error.what, error.fix, *([recorded] if self.begun else []))
        verb, brings, found = self.verb, self.verb.brings, self.found or self.verb.starts[0]
        back = "when the database can be reached"
        if self.joined:
            return ConnectionLost(error.what, f"run {verb} again {back}, while {self.joined} is copying.")
        with suppress(MigrationError):  # the server is still away, or the ledger is gone
            self._read_whether_brought()
        if self.brought is False or (found is brings and not verb.needs_approval):
            state = f"The phase is still {found}: {found.serves}. What was committed before stays."
            return ConnectionLost(error.what, f"run {verb} again {back}; it resumes.", state)
        if self.brought:
            rest = f"run {verb} again {back}; it does the steps that are left."
            fix = rest if verb.leaves_steps else f"nothing is left to do; `artwork-migration status` shows the phase {back}."
            return NotFinished(error.what, fix, f"{verb} was committed before: the phase is {brings}, and {brings.serves}.")
        if found is brings:
            fix = f"run `artwork-migration status` {back}: it shows what is in force. Then run {verb} again if that is not the plan."
            return OutcomeUnknown(error.what, fix, f"The server was asked to commit {verb} and did not answer. No write is lost.")
        return OutcomeUnknown(
            error.what,
            f"run `artwork-migration status` {back}: it shows the phase. Then run {verb} again if the phase is {found} or steps are left.",
            f"The server was asked to commit {verb} and did not answer, so the phase is {brings} or still {found}. No write is lost.",
        )

    def _read_whether_brought(self) -> None:
        with self.database.transaction("reading whether the phase is committed", lock_timeout="5s") as connection:
            self.brought = self.brought or ledger.brought_a_phase(connection, self.epoch)


@dataclass(frozen=True)
class CopyAtWork:
    """The run that is copying, and how many of its chunks are left."""

    run: int
    run_name: str
    chunks_left: int


def copy_at_work(connection: Connection) -> CopyAtWork | None:
    """Return the copy that can be joined: chunks are left, and the run that leads holds its lock. None if there is none."""
    copies = [CopyAtWork(**row) for row in database.rows(connection, "locks/copy_at_work")]
    return next((copy for copy in copies if copy.chunks_left), None)


@contextmanager
def beside(target: Database, settings: Settings, *, verb: Verb, name: str, run_id: str) -> Iterator[Run]:
    """A run without the lock during the block: it may join the copy of the run that holds it. Locks: none."""
    require_working_conditions(target, verb.name)
    run = Run(target, settings, verb=verb, name=name, run_id=run_id)
    with reported(run.progress, target, name):
        yield run


@contextmanager
def exclusive(target: Database, settings: Settings, *, verb: Verb, name: str, run_id: str) -> Iterator[Run]:
    """Hold the lock of the run during the block. Raises RunInProgress, which names the holder, after `run_wait_seconds`.

    Locks: advisory (1634890865, 1) and, once the run has begun, (1634890865, 2 + its epoch), on an idle connection outside a transaction,
    so that it never blocks CREATE INDEX CONCURRENTLY. The first key is `artq` in ASCII, which all locks of this tool have.
    """
    refuse_pooler(target, verb.name)
    with target.autocommit("taking the run's lock") as connection:
        deadline = time.monotonic() + settings.run_wait_seconds
        while not (_is_true(connection, "locks/try_lock") and _fence_is_free(target)):
            if time.monotonic() >= deadline:
                raise RunInProgress(_holders(connection))
            time.sleep(0.2)
        if verb is not DEPLOY_SCHEMA:  # which reports all its prerequisites together
            require_working_conditions(target, verb.name)
        run = Run(target, settings, verb=verb, name=name, run_id=run_id)
        run.lock_session = connection
        with reported(run.progress, target, name):
            yield run


def _is_true(connection: Connection, name: str) -> bool:
    return bool(database.run(connection, name).scalar_one())


def _holders(connection: Connection) -> list[str]:
    return [row["holder"] for row in database.rows(connection, "locks/holders")] or ["another run"]


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
            raise RunInProgress(_holders(connection), state="What was committed before stays.")
        time.sleep(0.05)


def require_working_conditions(target: Database, verb: str) -> None:
    """Raise PrerequisitesNotMet if something that every run relies on has changed since the plan of deploy_schema."""
    with target.transaction("checking prerequisites", transaction_read_only="on") as connection:
        require_layout(connection, verb)
        _refuse(connection, verb, _WORKING_CONDITIONS)


def require_layout(connection: Connection, verb: str) -> None:
    """Raise PrerequisitesNotMet if another version of this tool has created the ledger, with objects that this one does not have."""
    _refuse(connection, verb, [_LAYOUT])


def _refuse(connection: Connection, verb: str, rules: Sequence[str]) -> None:
    found = [
        Problem.found(file.rule, file.header["remedy"], row)
        for file in map(sql.load, rules)
        for row in database.rows(connection, file.name)
    ]
    if found:
        raise PrerequisitesNotMet(verb, found)


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

"""The execution of a plan: one transaction that acquires its locks within a budget and is retried until the time limit."""

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.database import CLIENT_TOO_SLOW, CONNECTIONS_LOST, LOCK_NOT_AVAILABLE, QUERY_CANCELED, RETRIED, Database
from migration.errors import (
    ConnectionLost,
    DatabaseError,
    MigrationError,
    NewBlocker,
    NotAccepted,
    OrphanReferences,
    OthersAtWork,
    WrongUnderLock,
)
from migration.ledger import ledger
from migration.ledger.ledger import COMMITTED, LockAttempt
from migration.ledger.runs import Run
from migration.lock_errors import LockHolder, LockNotObtained, OldTransactions
from migration.plans.plan import Plan, Statement
from migration.plans.stall import Stopwatch

#: Milliseconds for all locks of one attempt together. Writers queue behind us while we wait, so it stays below the stall bar.
LOCK_BUDGET_MS = 90
#: Seconds after which the server ends an attempt whose log is still being drained: no row is locked by then.
DRAIN_SECONDS = 300
#: How often a batch of that drain tries to lock its rows. What stops it may be waiting for this attempt, which no detector sees.
DRAIN_TRIES = 2
#: These errors end an attempt: the lock budget was exceeded, we lost a deadlock, the statements took too long, or the client did.
_ATTEMPT_FAILED = (LOCK_NOT_AVAILABLE, "40P01", QUERY_CANCELED, CLIENT_TOO_SLOW)
#: The outcome of an attempt whose connection was lost.
CONNECTION_FAILURE = "08006"
#: A validation found a reference to a row that does not exist.
FOREIGN_KEY_VIOLATION = "23503"
#: A recheck in the plan raises this SQLSTATE if a blocker appeared after the plan was made.
NEW_BLOCKER = "AM001"
#: What stops a plan. The others are raised by the last catch-up or carry-back, if ids are wrong, and by the acceptance test.
_STOPPED: dict[str, Callable[[str, str, str], MigrationError]] = {
    NEW_BLOCKER: NewBlocker,
    "AM002": lambda verb, _, objects: WrongUnderLock(verb, objects),
    "AM005": lambda verb, _, objects: NotAccepted(verb, objects),
}


def execute_plan(
    run: Run,
    plan: Plan,
    *,
    checks: Sequence[str] = (),
    before_attempt: Callable[[], object] = lambda: None,
    before_locks: Callable[[], object] = lambda: None,
    on_attempt: Callable[[str], None] = lambda message: None,
) -> int:
    """Execute an approved plan. The same transaction enters the phase that its verb brings and saves the steps that are left.

    These steps are the statements after the commit and the `checks`. Returns the number of attempts. If the same run has committed
    before, it does nothing and returns 0. Raises LockNotObtained, NewBlocker, WrongUnderLock, NotAccepted or
    DatabaseError; nothing is changed then.
    Locks what the plan says, for less than half of deadlock_timeout.
    """
    with run.database.transaction("checking whether the plan is executed") as connection:
        run.brought = ledger.brought_a_phase(connection, run.epoch)
    if run.brought:
        return 0

    run.next_reading = math.inf  # it waits no more: the gates were judged on what is there now

    def begin_attempt() -> None:
        run.brought = False
        before_attempt()

    def enter_phase(connection: Connection) -> None:
        ledger.end_run(connection, run.epoch, outcome="Completed", phase_after=plan.verb.brings)
        after = [statement.object for statement in plan.statements if statement.stage == "after"]
        ledger.note_steps_left(connection, run.epoch, [*after, *checks])
        run.brought = None

    attempts = execute(
        run.database,
        plan.statements,
        verb=str(plan.verb),
        action=f"plan {plan.number}",
        patience=run.settings.lock_wait_seconds,
        before_commit=enter_phase,
        on_attempt=on_attempt,
        before_attempt=begin_attempt,
        before_locks=before_locks,
        record=recording(run),
    )
    run.brought = True
    return attempts


def execute(
    target: Database,
    statements: Sequence[Statement],
    *,
    verb: str,
    action: str,
    patience: float,
    before_commit: Callable[[Connection], None],
    on_attempt: Callable[[str], None],
    before_attempt: Callable[[], object] = lambda: None,
    before_locks: Callable[[], object] = lambda: None,
    record: Callable[[LockAttempt], None] = lambda attempt: None,
) -> int:
    """Execute the statements, except those of stage `after`, in one transaction, and return the number of attempts.

    The server enforces that less than half of deadlock_timeout passes from the first lock to the commit. `before_commit` runs in the same
    transaction (it enters the phase). `on_attempt` gets a message for each failed attempt. `before_attempt` runs before each attempt,
    and `before_locks` in it, after the statements of stage `prepare`, which take as long as a materialized view does: over other
    connections, so that less is left to do under the locks. Their time does not count for the `patience`. `record` gets what each attempt
    took. Raises LockNotObtained with the holders after `patience` seconds, or ConnectionLost; nothing is changed then, unless the
    connection was lost during the commit.
    """
    deadline = time.monotonic() + patience
    tables, views = _locked_by(statements, sql.TABLE_LOCK), _locked_by(statements, sql.VIEW_LOCK)
    others = [statement.waits_on for statement in statements if statement.stage == "locked" and statement.waits_on]
    locked = [statement for statement in statements if statement.stage == "locked"]
    attempt = lost = 0
    while True:
        attempt += 1
        deadline += _seconds(before_attempt)
        stopwatch, committing = Stopwatch(locked), False
        try:
            with target.transaction(f"executing {action}", **_limits(target), **database.APPLICATION_CODE) as connection:
                deadline += _prepare(connection, target, statements, before_locks)
                _execute_locked(connection, target, locked, stopwatch)
                before_commit(connection)
                committing = True
        except _NotDrained as drain:
            if not drain.others_at_work or time.monotonic() >= deadline:
                raise drain.error from None
            on_attempt(f"attempt {attempt}: the log could not be drained before the locks, nothing changed: {drain}")
            time.sleep(database.backoff(attempt))
            continue
        except ConnectionLost as error:  # perhaps this client was too slow for `_limits`
            lost += 1
            if committing or lost == CONNECTIONS_LOST or time.monotonic() >= deadline:
                raise
            _record(stopwatch.stop(CONNECTION_FAILURE), record)
            on_attempt(f"attempt {attempt}: {error.what} Nothing was changed.")
            time.sleep(database.backoff(attempt))
            continue
        except DatabaseError as error:
            took = stopwatch.stop(error.sqlstate or "")
            retried = error.sqlstate in _ATTEMPT_FAILED
            holders = target.lock_holders([*tables, *views, *others]) if retried else []
            _record(took, record)
            if error.sqlstate in _STOPPED:
                raise _STOPPED[error.sqlstate](verb, action, error.objects) from None
            if not retried:
                raise
        else:
            _record(stopwatch.stop(COMMITTED), record)
            return attempt
        if time.monotonic() >= deadline:
            canceled = _reason(took, holders) if took and took.outcome == QUERY_CANCELED else ""
            raise LockNotObtained(verb, attempt, holders, canceled)
        on_attempt(f"attempt {attempt}: {_reason(took, holders)}")
        time.sleep(database.backoff(attempt))


class _NotDrained(Exception):
    """What `before_locks` has raised: an error of its own, and not of the attempt in whose transaction it was called."""

    def __init__(self, error: MigrationError) -> None:
        super().__init__(str(error).partition(". ")[0])
        self.error = error
        self.others_at_work = isinstance(error, OthersAtWork) or (isinstance(error, DatabaseError) and error.sqlstate in _ATTEMPT_FAILED)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _drain(target: Database, before_locks: Callable[[], object]) -> float:
    """Drain the log over another connection. Returns the seconds. Raises _NotDrained."""
    patient, target.attempts = target.attempts, DRAIN_TRIES
    try:
        return _seconds(before_locks)
    except (DatabaseError, ConnectionLost, OthersAtWork) as error:
        raise _NotDrained(error) from None
    finally:
        target.attempts = patient


def _prepare(connection: Connection, target: Database, statements: Sequence[Statement], before_locks: Callable[[], object]) -> float:
    """Do all that comes before the locks. Returns the seconds of the drain."""
    # a table with pending deferred checks of a foreign key cannot be altered
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    _execute_stage("prepare", statements, connection)
    _make_autovacuum_yield(connection, target, _locked_by(statements, sql.TABLE_LOCK))
    seconds = _drain(target, before_locks)
    # from here on, together with statement_timeout, less than half of deadlock_timeout, even if this client freezes
    limits = {
        "lock_timeout": f"{target.lock_timeout_ms}ms",
        "idle_in_transaction_session_timeout": f"{target.deadlock_timeout_ms // 6}ms",
    }
    database.set_all(connection, limits)
    _execute_stage("fenced", statements, connection)
    return seconds


def _execute_stage(stage: str, statements: Sequence[Statement], connection: Connection) -> None:
    for statement in statements:
        if statement.stage == stage:
            database.run_literally(connection, statement.do)


def _reason(took: LockAttempt | None, holders: Sequence[LockHolder]) -> str:
    """Return why an attempt has failed, and what took the time if its statements were canceled under the locks."""
    if took and took.outcome == QUERY_CANCELED:
        slowest = "; ".join(f"{statement['object']} {statement['seconds']:.3f} s" for statement in took.slowest)
        return f"canceled after {took.seconds:.3f} s under the locks, nothing changed; slowest: {slowest}"
    blocking = "; ".join(map(str, holders)) or "a session that has finished by now"
    return f"could not acquire the locks, nothing changed; blocked by: {blocking}"


def _locked_by(statements: Sequence[Statement], kind: str) -> list[str]:
    """Return the relations that the statements of this kind lock."""
    return [statement.object for statement in statements if statement.kind == kind]


def _limits(target: Database) -> dict[str, str]:
    return {
        "artwork_migration.apply": "on",
        "artwork_migration.lock_budget": f"{LOCK_BUDGET_MS} ms",
        "lock_timeout": f"{target.lock_timeout_ms}ms",
        # as long as `before_locks` is at work over another connection; until then nobody waits for this one but DDL
        "idle_in_transaction_session_timeout": f"{DRAIN_SECONDS}s",
    }


def _make_autovacuum_yield(connection: Connection, target: Database, tables: Sequence[str]) -> None:
    """Acquire SHARE UPDATE EXCLUSIVE, which blocks no reader and no writer. Autovacuum yields to a wait longer than deadlock_timeout.

    It would never yield to our lock_timeout, which is shorter.
    """
    connection.execute(text("SELECT SET_CONFIG('lock_timeout', :limit, TRUE)"), {"limit": _past_autovacuum(target)})
    for table in tables:
        database.run_literally(connection, f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")


def _past_autovacuum(target: Database) -> str:
    """Return the lock_timeout for SHARE UPDATE EXCLUSIVE, for which no reader and no writer waits."""
    return f"{target.deadlock_timeout_ms + 2000}ms"


def _execute_locked(connection: Connection, target: Database, statements: Sequence[Statement], stopwatch: Stopwatch) -> None:
    settings = {
        "artwork_migration.statements": json.dumps([{"do": statement.do} for statement in statements]),
        "statement_timeout": f"{target.deadlock_timeout_ms * 3 // 10}ms",
        "client_min_messages": "notice",
    }
    connection.execute(
        text("SELECT SET_CONFIG(s.key, s.value, TRUE) FROM JSONB_EACH_TEXT(CAST(:settings AS jsonb)) AS s"),
        {"settings": json.dumps(settings)},
    )
    with stopwatch.measuring(connection):
        database.run(connection, "locks/execute_locked")


def _record(attempt: LockAttempt | None, record: Callable[[LockAttempt], None]) -> None:
    if attempt is not None:
        with suppress(MigrationError):  # what was measured decides nothing
            record(attempt)


def recording(run: Run) -> Callable[[LockAttempt], None]:
    """Return what records an attempt of this run in the ledger, if there is one by then."""

    def record(attempt: LockAttempt) -> None:
        with run.database.transaction("recording an attempt") as connection:
            if ledger.exists(connection):
                ledger.note_lock_attempt(connection, run.epoch, attempt)

    return record


def finish(target: Database, statements: Sequence[Statement], *, verb: str, patience: float) -> None:
    """Execute the statements of stage `after`, each outside a transaction block, and retry one that loses a conflict.

    They may be executed again, also by another run. Raises OldTransactions with the holders if a lock cannot be acquired for `patience`
    seconds, OrphanReferences, DatabaseError or DatabaseUnreachable. A statement that was executed stays executed.
    """
    deadline = time.monotonic() + patience
    for statement in statements:
        attempt = 0
        while statement.stage == "after":
            attempt += 1
            try:
                _execute_alone(target, statement)
                break
            except DatabaseError as error:
                if statement.kind == sql.VALIDATION and error.sqlstate == FOREIGN_KEY_VIOLATION:
                    raise OrphanReferences(verb, statement.object) from None
                over = time.monotonic() >= deadline
                if error.sqlstate not in RETRIED or (over and error.sqlstate not in _ATTEMPT_FAILED):
                    raise
                if over:
                    holders = target.lock_holders([statement.waits_on] if statement.waits_on else [])
                    raise OldTransactions(verb, statement.object, holders) from None
            time.sleep(database.backoff(attempt))


def _execute_alone(target: Database, statement: Statement) -> None:
    validates = statement.kind == sql.VALIDATION
    # triggers and materialized views of the application may name their tables without a schema; a validation reads all rows or fails
    own = {"lock_timeout": _past_autovacuum(target)} if validates else {**database.APPLICATION_CODE, "search_path": None}
    with target.autocommit(f"finishing {statement.object}", **{**_limits(target), **own}) as connection:
        database.run_literally(connection, statement.do)

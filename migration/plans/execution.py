"""Executing the statements of a plan: one transaction, its locks within a budget, tried again until the time for it is over."""

import json
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.database import LOCK_NOT_AVAILABLE, RETRIED, Database
from migration.errors import DatabaseError, LockHolder, LockNotObtained, NewBlocker, OldTransactions, WrongUnderLock
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.plans.plan import Plan, Statement

#: All locks of one attempt together, in milliseconds: everybody who writes queues behind us while we wait, so it stays below the stall bar.
LOCK_BUDGET_MS = 90
#: What means "not this time": the lock budget is over, we lost a deadlock, or the statement as a whole took too long.
_NOT_THIS_TIME = (LOCK_NOT_AVAILABLE, "40P01", "57014", "25P03")
#: What a statement of the plan raises when a blocker has appeared since the plan was made.
NEW_BLOCKER = "AM001"
#: What it raises when ids are not right under the lock.
WRONG_UNDER_LOCK = "AM002"


def execute_plan(
    run: Run,
    plan: Plan,
    *,
    checks: Sequence[str] = (),
    before_attempt: Callable[[], object] = lambda: None,
    on_attempt: Callable[[str], None] = lambda message: None,
) -> int:
    """Execute an approved plan; in the same transaction the phase that its verb brings becomes true, and what is left to do is noted.

    What is left are the statements that follow the commit, and these `checks`. Returns the number of attempts. Called again by the same
    run, it returns 0 if the transaction was committed before. Raises LockNotObtained, NewBlocker, WrongUnderLock or DatabaseError;
    nothing is changed then. Locks what the plan says, for less than half of deadlock_timeout.
    """
    with run.database.transaction("looking whether it is done") as connection:
        if ledger.brought_a_phase(connection, run.epoch):
            return 0

    def enter_phase(connection: Connection) -> None:
        ledger.end_run(connection, run.epoch, outcome="Completed", phase_after=plan.verb.brings)
        after = [statement.object for statement in plan.statements if statement.stage == "after"]
        ledger.note_steps_left(connection, run.epoch, [*after, *checks])

    return execute(
        run.database,
        plan.statements,
        verb=str(plan.verb),
        action=f"plan {plan.number}",
        patience=run.settings.lock_wait_seconds,
        before_commit=enter_phase,
        on_attempt=on_attempt,
        before_attempt=before_attempt,
    )


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
) -> int:
    """Execute the statements, all but those of stage `after` in one transaction, and return the number of attempts it took.

    From the first lock to the commit it takes less than half of deadlock_timeout; the server enforces that. `before_commit` runs in the
    same transaction and writes the phase. `on_attempt` gets a message for each failed attempt. `before_attempt` runs before each attempt,
    outside any lock. Raises LockNotObtained with the holders after `patience` seconds; nothing was changed then.
    """
    deadline = time.monotonic() + patience
    tables, views = _locked_by(statements, sql.TABLE_LOCK), _locked_by(statements, sql.VIEW_LOCK)
    attempt = 0
    while True:
        attempt += 1
        before_attempt()
        try:
            with target.transaction(f"executing {action}", **_limits(target)) as connection:
                # a check that a key of the application's puts off to the commit would not let its table be altered
                connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                for statement in statements:
                    if statement.stage == "prepare":
                        database.run_literally(connection, statement.do)
                _ask_autovacuum_away(connection, target, tables)
                _execute_locked(connection, target, [statement for statement in statements if statement.stage == "locked"])
                before_commit(connection)
            return attempt
        except DatabaseError as error:
            if error.sqlstate == NEW_BLOCKER:
                raise NewBlocker(verb, action) from None
            if error.sqlstate == WRONG_UNDER_LOCK:
                raise WrongUnderLock(verb, error.objects) from None
            if error.sqlstate not in _NOT_THIS_TIME:
                raise
            holders = lock_holders(target, [*tables, *views])
        if time.monotonic() >= deadline:
            raise LockNotObtained(verb, attempt, holders)
        blocking = "; ".join(map(str, holders)) or "a session that has finished by now"
        on_attempt(f"attempt {attempt}: could not acquire the locks, nothing changed; blocked by: {blocking}")
        time.sleep(database.backoff(attempt))


def _locked_by(statements: Sequence[Statement], kind: str) -> list[str]:
    """The relations that statements of this kind lock."""
    return [statement.object for statement in statements if statement.kind == kind]


def lock_holders(target: Database, tables: Sequence[str]) -> list[LockHolder]:
    """The sessions that hold a lock on these tables and views just now."""
    with target.transaction("looking for lock holders") as connection:
        return [LockHolder(**row) for row in database.rows(connection, "run/lock_holders", tables=list(tables))]


def _limits(target: Database) -> dict[str, str]:
    return {
        "artwork_migration.apply": "on",
        "artwork_migration.lock_budget": f"{LOCK_BUDGET_MS} ms",
        "lock_timeout": f"{target.lock_timeout_ms}ms",
        # with the statement's own limit (below) less than half of deadlock_timeout, also when this client freezes before the commit
        "idle_in_transaction_session_timeout": f"{target.deadlock_timeout_ms // 6}ms",
    }


def _ask_autovacuum_away(connection: Connection, target: Database, tables: Sequence[str]) -> None:
    """SHARE UPDATE EXCLUSIVE stops no reader and no writer; waiting for it beyond deadlock_timeout makes autovacuum give way.

    A plain lock_timeout below deadlock_timeout never would.
    """
    connection.execute(text("SELECT SET_CONFIG('lock_timeout', :limit, TRUE)"), {"limit": _past_autovacuum(target)})
    for table in tables:
        database.run_literally(connection, f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")


def _past_autovacuum(target: Database) -> str:
    """For a wait in SHARE UPDATE EXCLUSIVE alone, in which nobody waits for us."""
    return f"{target.deadlock_timeout_ms + 2000}ms"


def _execute_locked(connection: Connection, target: Database, statements: Sequence[Statement]) -> None:
    settings = {
        "artwork_migration.statements": json.dumps([{"do": statement.do} for statement in statements]),
        "statement_timeout": f"{target.deadlock_timeout_ms * 3 // 10}ms",
    }
    connection.execute(
        text("SELECT SET_CONFIG(s.key, s.value, TRUE) FROM JSONB_EACH_TEXT(CAST(:settings AS jsonb)) AS s"),
        {"settings": json.dumps(settings)},
    )
    database.run(connection, "run/execute_locked")
    connection.execute(text("SELECT SET_CONFIG('lock_timeout', :limit, TRUE)"), {"limit": f"{LOCK_BUDGET_MS}ms"})


def finish(target: Database, statements: Sequence[Statement], *, verb: str, patience: float) -> None:
    """Execute the statements of stage `after`: each alone, outside a transaction block, and again if it could not acquire its lock.

    It may be run again, also by another run. Raises OldTransactions with the holders if it could not acquire the locks for `patience`
    seconds, DatabaseError or DatabaseUnreachable; what is done stays done.
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
                over = time.monotonic() >= deadline
                if error.sqlstate not in RETRIED or (over and error.sqlstate not in _NOT_THIS_TIME):
                    raise
                if over:
                    holders = lock_holders(target, [statement.waits_on] if statement.waits_on else [])
                    raise OldTransactions(verb, statement.object, [str(holder) for holder in holders]) from None
            time.sleep(database.backoff(attempt))


def _execute_alone(target: Database, statement: Statement) -> None:
    limits = _limits(target)
    if statement.kind == sql.VALIDATION:
        limits["lock_timeout"] = _past_autovacuum(target)
    with target.autocommit(f"finishing {statement.object}") as connection:
        connection.detach()  # what is set for the session ends with it
        for name, value in limits.items():
            connection.execute(text("SELECT SET_CONFIG(:name, :value, FALSE)"), {"name": name, "value": value})
        connection.execute(text("SET statement_timeout = 0"))
        database.run_literally(connection, statement.do)

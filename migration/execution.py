"""Executing a plan: one transaction, its locks within a budget, tried again until the time for it is over."""

import json
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, text

from migration import database
from migration.database import LOCK_NOT_AVAILABLE, Database
from migration.errors import DatabaseError, LockHolder, LockNotObtained
from migration.plan import Plan, Statement

#: All locks of one attempt together, in milliseconds: everybody who writes queues behind us while we wait, so it stays below the stall bar.
LOCK_BUDGET_MS = 90
#: What means "not this time": the lock budget is over, we lost a deadlock, or the statement as a whole took too long.
_NOT_THIS_TIME = (LOCK_NOT_AVAILABLE, "40P01", "57014")


def execute(
    target: Database, plan: Plan, *, patience: float, before_commit: Callable[[Connection], None], on_attempt: Callable[[str], None]
) -> int:
    """Execute the plan's statements, all but those of stage `after` in one transaction, and return the number of attempts it took.

    From the first lock to the commit it takes less than half of deadlock_timeout, enforced by the server. `before_commit` runs in the
    same transaction (the phase is written there). `on_attempt` is told of each attempt that failed. After `patience` seconds
    LockNotObtained is raised, with the holders; nothing was changed then.
    """
    deadline = time.monotonic() + patience
    tables = [statement.object for statement in plan.statements if statement.do.startswith("LOCK TABLE")]
    attempt = 0
    while True:
        attempt += 1
        try:
            with target.transaction(f"executing plan {plan.number}", **_limits(target)) as connection:
                for statement in plan.statements:
                    if statement.stage == "prepare":
                        _execute_literally(connection, statement.do)
                _ask_autovacuum_away(connection, target, tables)
                _execute_locked(connection, target, [statement for statement in plan.statements if statement.stage == "locked"])
                before_commit(connection)
            _execute_after(target, plan)
            return attempt
        except DatabaseError as error:
            if error.sqlstate not in _NOT_THIS_TIME:
                raise
            holders = lock_holders(target, tables)
        if time.monotonic() >= deadline:
            raise LockNotObtained(plan.verb, attempt, holders)
        on_attempt(
            f"attempt {attempt}: the locks were not had, nothing changed; in the way: {'; '.join(map(str, holders)) or 'gone again'}"
        )
        time.sleep(database.backoff(attempt))


def lock_holders(target: Database, tables: Sequence[str]) -> list[LockHolder]:
    """The sessions that hold a lock on these tables just now."""
    with target.transaction("looking for lock holders") as connection:
        return [LockHolder(**row) for row in database.rows(connection, "run/lock_holders", tables=list(tables))]


def _limits(target: Database) -> dict[str, str]:
    return {
        "artwork_migration.apply": "on",
        "artwork_migration.lock_budget": f"{LOCK_BUDGET_MS} ms",
        "lock_timeout": f"{target.lock_timeout_ms}ms",
        "idle_in_transaction_session_timeout": "1s",
    }


def _ask_autovacuum_away(connection: Connection, target: Database, tables: Sequence[str]) -> None:
    """SHARE UPDATE EXCLUSIVE stops no reader and no writer; waiting for it beyond deadlock_timeout makes autovacuum give way.

    A plain lock_timeout below deadlock_timeout never would.
    """
    connection.execute(text("SELECT SET_CONFIG('lock_timeout', :limit, TRUE)"), {"limit": f"{target.deadlock_timeout_ms + 2000}ms"})
    for table in tables:
        _execute_literally(connection, f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")


def _execute_locked(connection: Connection, target: Database, statements: Sequence[Statement]) -> None:
    settings = {
        "artwork_migration.statements": json.dumps([{"do": statement.do} for statement in statements]),
        "statement_timeout": f"{target.deadlock_timeout_ms // 2}ms",
    }
    connection.execute(
        text("SELECT SET_CONFIG(s.key, s.value, TRUE) FROM JSONB_EACH_TEXT(CAST(:settings AS jsonb)) AS s"),
        {"settings": json.dumps(settings)},
    )
    database.run(connection, "run/execute_locked")
    connection.execute(text("SELECT SET_CONFIG('statement_timeout', '0', TRUE)"))


def _execute_after(target: Database, plan: Plan) -> None:
    """What follows the commit, outside a transaction block: each statement may commit for itself, and may be run again."""
    statements = [statement for statement in plan.statements if statement.stage == "after"]
    for statement in statements:
        with target.autocommit(f"executing plan {plan.number} after its lock") as connection:
            _execute_literally(connection, statement.do)


def _execute_literally(connection: Connection, statement: str) -> None:
    """Run a plan's statement as it stands: a colon or a percent sign in it is no parameter."""
    connection.exec_driver_sql(statement.replace("%", "%%"))

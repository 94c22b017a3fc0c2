"""What the clean table gets after the copy: indexes, its foreign key to users, statistics. Each is a step that can be resumed."""

from collections.abc import Callable, Iterator

import sql
from migration import database
from migration.database import LOCK_NOT_AVAILABLE
from migration.errors import DatabaseError
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.lock_errors import LockHolder, OldTransactions
from migration.plans import execution
from migration.plans.plan import Statement
from migration.plans.statements import Catalog, owner_table, statements_of
from migration.sync import throttle
from migration.sync.counted import expect_counted
from sql import SqlFile

#: What counts the rows of a statement, by the first word of its object; the others cannot be counted.
_COUNTED = {"index": "rows_indexed", "vacuum": "rows_vacuumed"}


def finish_table(run: Run, on_attempt: Callable[[str], None]) -> Iterator[str]:
    """Execute the steps that ``sql/migrate_data/post_copy`` finds in the catalog, in its order, and yield the object of each.

    A step that is done is not found again, so a run resumes after a kill. Locks: the foreign key takes its locks for a moment, like a plan.
    Raises LockNotObtained, or OldTransactions if an index waited too long for older transactions.
    """
    with run.database.transaction("reading which table owns artworks", transaction_read_only="on") as connection:
        creates_users = owner_table(connection).creates_users
    for file in sql.folder("migrate_data/post_copy"):
        if not file.applies(creates_users=creates_users):
            continue
        throttle.may_continue(run)
        match file.header["stage"]:
            case "write":
                with run.progress.step(file.rule.replace("_", " ")):
                    run.database.write(file.rule, lambda connection, file=file: database.run(connection, file.name), applying=True)  # type: ignore[misc]  # mypy infers no type for a lambda with a default
            case "locked":
                yield from _under_lock(run, file, on_attempt)
            case _:
                yield from _step_by_step(run, file)
    # a run that was killed before it recorded a step leaves it open, although the catalog has shown above that it is done
    run.database.write("closing steps", lambda connection: ledger.close_steps(connection, run.verb.name))


def _left(run: Run, file: SqlFile) -> list[Statement]:
    with run.database.transaction(file.name, transaction_read_only="on") as connection:
        return statements_of(connection, Catalog({}), file)


def _under_lock(run: Run, file: SqlFile, on_attempt: Callable[[str], None]) -> Iterator[str]:
    statements = _left(run, file)
    if statements:
        execution.execute(
            run.database,
            statements,
            verb=str(run.verb),
            action=file.rule,
            patience=run.settings.lock_wait_seconds,
            before_commit=lambda connection: None,
            on_attempt=on_attempt,
            record=execution.recording(run),
        )
        yield statements[-1].object


def _step_by_step(run: Run, file: SqlFile) -> Iterator[str]:
    for statement in _left(run, file):
        with run.progress.step(statement.object):
            if query := _COUNTED.get(statement.object.split()[0]):
                expect_counted(run, query)
            run.database.write("beginning a step", lambda connection: ledger.begin_step(connection, run.epoch, statement.object))  # noqa: B023 (called at once)
            _alone(run, statement)
            run.database.write("ending a step", lambda connection: ledger.end_step(connection, run.epoch, statement.object))  # noqa: B023 (called at once)
        yield statement.object


def _alone(run: Run, statement: Statement) -> None:
    """Execute the statement outside a transaction block. No session waits for it.

    It waits for older transactions for at most `lock_wait_seconds`, and then raises OldTransactions.
    """
    patience = run.settings.lock_wait_seconds
    try:
        with run.database.autocommit(statement.object, lock_timeout=f"{int(patience * 1000)}ms") as connection:
            database.run_literally(connection, statement.do)
    except DatabaseError as error:
        if error.sqlstate != LOCK_NOT_AVAILABLE:
            raise
        holders = [LockHolder(**row) for row in run.database.read("locks/open_transactions")]
        raise OldTransactions(str(run.verb), statement.object, holders) from None

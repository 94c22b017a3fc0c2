"""What the clean table gets once it is filled: indexes, its foreign key to users, statistics. Each a step of its own, resumable."""

from collections.abc import Callable, Iterator

from sqlalchemy import text

import sql
from migration import database
from migration.database import LOCK_NOT_AVAILABLE
from migration.errors import DatabaseError, OldTransactions
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.plans import execution
from migration.plans.plan import Statement
from migration.plans.statements import Catalog, statements_of
from sql import SqlFile


def finish_table(run: Run, on_attempt: Callable[[str], None]) -> Iterator[str]:
    """Do what ``sql/migrate_data/post_copy`` finds still to do, in its order, and yield the object of each thing done.

    What is there already is found in the catalog, so a killed run is gone on with where it was. Raises LockNotObtained (the key's locks,
    bounded like a plan's) or OldTransactions (an index waits for every transaction that is older).
    """
    for file in sql.folder("migrate_data/post_copy"):
        match file.header["stage"]:
            case "write":
                run.database.write(file.rule, lambda connection, file=file: database.run(connection, file.name), applying=True)  # type: ignore[misc]  # mypy infers no type for a lambda with a default
            case "locked":
                yield from _under_lock(run, file, on_attempt)
            case _:
                yield from _one_by_one(run, file)
    # killed between a thing done and its note, a run leaves a step open that the catalog has just said is done
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
        )
        yield statements[-1].object


def _one_by_one(run: Run, file: SqlFile) -> Iterator[str]:
    for statement in _left(run, file):
        run.database.write("beginning a step", lambda connection: ledger.begin_step(connection, run.epoch, statement.object))  # noqa: B023 (called at once)
        _alone(run, statement)
        run.database.write("ending a step", lambda connection: ledger.end_step(connection, run.epoch, statement.object))  # noqa: B023 (called at once)
        yield statement.object


def _alone(run: Run, statement: Statement) -> None:
    """Execute it outside a transaction block. It waits for open transactions as long as a verb waits for locks; nobody waits for it."""
    patience = run.settings.lock_wait_seconds
    try:
        with run.database.autocommit(statement.object) as connection:
            connection.detach()  # what is set for the session ends with it
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SELECT SET_CONFIG('lock_timeout', :limit, FALSE)"), {"limit": f"{int(patience * 1000)}ms"})
            database.run_literally(connection, statement.do)
    except DatabaseError as error:
        if error.sqlstate != LOCK_NOT_AVAILABLE:
            raise
        found = [row["session"] for row in run.database.read("run/open_transactions")]
        raise OldTransactions(str(run.verb), statement.object, found) from None

"""What is looked at once the names have changed hands: the retired table's fingerprint, the product's way, every row of both sides."""

from typing import Any

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.database import Database
from migration.errors import CheckFailed, DatabaseError
from migration.runs import Run


def take_fingerprint(run: Run) -> dict[str, object]:
    """Count and hash sum of the retired table, without user_id, which deleting a user changes. Locks ACCESS SHARE."""
    with run.database.transaction("taking the fingerprint of the retired table", isolation="REPEATABLE READ") as connection:
        return fingerprint(connection)


def fingerprint(connection: Connection) -> dict[str, Any]:
    """The same rows give the same `row_count` and `hash_sum`, whatever the time zone and the order."""
    question = database.run(connection, "check/fingerprint").scalar_one()
    return dict(connection.exec_driver_sql(question.replace("%", "%%")).mappings().one())


def accept(run: Run) -> dict[str, object]:
    """Walk one artwork through the product's life in a transaction that is rolled back. Raises CheckFailed.

    Locks: the artwork it makes, and one row of each table that references artworks, for a moment.
    """
    limits = {"lock_timeout": f"{run.database.lock_timeout_ms}ms", "statement_timeout": "10s"}
    try:
        _rolled_back(run.database, limits)
    except DatabaseError as error:
        raise CheckFailed("acceptance test", f"it ended with SQLSTATE {error.sqlstate} {error.objects}".rstrip()) from None
    return {}


def _rolled_back(target: Database, limits: dict[str, str]) -> None:
    with target.transaction("walking an artwork through its life", **limits) as connection:
        # the application's triggers fire, and find their tables as they do for the application
        connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")
        connection.exec_driver_sql(sql.load("check/acceptance_test").statement.replace("%", "%%"))
        connection.rollback()


def compare(run: Run) -> dict[str, object]:
    """Give every row of the retired and the serving table its verdict. Raises CheckFailed unless all is accounted for.

    What was changed since the switch, or waits in the log, is no finding. Locks ACCESS SHARE.
    """
    with run.database.transaction("comparing retired and serving table", isolation="REPEATABLE READ") as connection:
        connection.execute(text("DELETE FROM artwork_migration.finding WHERE run = :run"), {"run": run.epoch})
        found = database.rows(connection, "check/compare", run=run.epoch)
    wrong = [row for row in found if row["wrong"]]
    if wrong:
        told = "; ".join(f"{row['verdict']}: {row['row_count']} rows, ids {', '.join(map(str, row['ids']))}" for row in wrong)
        raise CheckFailed("retired and serving table compared", told)
    return {row["verdict"]: row["row_count"] for row in found}

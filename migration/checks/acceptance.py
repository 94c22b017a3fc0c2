"""What is looked at while the clean table serves, beyond what a query finds: the retired table's fingerprint and the product's way."""

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.errors import DatabaseError
from migration.ledger import ledger
from migration.ledger.runs import Run
from sql import SqlFile

#: The step that takes the fingerprint.
FINGERPRINT = "fingerprint of the retired table"
#: How long a query of the product's may take, in milliseconds. One on its index takes a few.
QUERY_BUDGET_MS = 3000


def take_fingerprint(run: Run) -> dict[str, object]:
    """Count and hash sum of the retired table, without user_id, which deleting a user changes. Locks ACCESS SHARE."""
    with run.database.transaction("taking the fingerprint of the retired table", isolation="REPEATABLE READ") as connection:
        return fingerprint(connection)


def retired_untouched(run: Run) -> bool:
    """Whether the retired table is what its newest fingerprint says. Locks ACCESS SHARE."""
    with run.database.transaction("looking at the retired table", isolation="REPEATABLE READ") as connection:
        kept = kept_fingerprint(connection)
        return kept is not None and kept["details"] == fingerprint(connection)


def renew_fingerprint(run: Run) -> None:
    """Take the fingerprint anew, if rows were carried back after the newest one, as a step of this run that is done at once.

    Whoever calls it knows that nothing but this run has written to the retired table.
    """
    with run.database.transaction("renewing the fingerprint", isolation="REPEATABLE READ") as connection:
        kept = kept_fingerprint(connection)
        if kept and kept["carried_back_since"]:
            details = json.dumps(fingerprint(connection))
            database.run(connection, "verify/renew_fingerprint", run=run.epoch, step=FINGERPRINT, details=details)


def kept_fingerprint(connection: Connection) -> dict[str, Any] | None:
    """The newest fingerprint since the switch as `details`, and whether rows were `carried_back_since`; None if there is none."""
    found = database.rows(connection, "verify/fingerprint_kept", step=FINGERPRINT, switch_run=ledger.phase(connection).run)
    return found[0] if found else None


def fingerprint(connection: Connection) -> dict[str, Any]:
    """The same rows give the same `row_count` and `hash_sum`, whatever the order, the types and the settings."""
    database.run(connection, "verify/text_settings")
    question = database.run(connection, "verify/fingerprint").scalar_one()
    return dict(connection.exec_driver_sql(question.replace("%", "%%")).mappings().one())


@dataclass(frozen=True)
class Walked:
    """What the acceptance test ended with, if it did not go well, and the tables whose rows the application lets nobody change."""

    ended_with: list[str] = field(default_factory=list)
    not_tried: list[str] = field(default_factory=list)


def accept(run: Run) -> Walked:
    """Walk one artwork through the product's life, orders included, in a transaction that is rolled back.

    Locks: the artwork it makes, and one row of each table that references artworks, for a moment.
    """
    try:
        return Walked(not_tried=run.database.write("walking an artwork through its life", _walk))
    except DatabaseError as error:
        return Walked(ended_with=[f"SQLSTATE {error.sqlstate} {error.objects}".rstrip()])


def _walk(connection: Connection) -> list[str]:
    # the application's triggers fire, and find their tables as they do for the application
    connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '10s'")
    connection.exec_driver_sql(sql.load("verify/acceptance_test").statement.replace("%", "%%"))
    told = connection.execute(text("SELECT CURRENT_SETTING('artwork_migration.not_tried', TRUE)")).scalar_one()
    connection.rollback()
    return [f"the rows of {table} cannot be changed" for table in told.split(", ")] if told else []


def slow_queries(run: Run, queries: list[SqlFile]) -> list[str]:
    """Those of the product's queries that cannot use an index of the serving table, or take longer than they may. Locks ACCESS SHARE."""
    return [f"{query.rule}: {wrong}" for query in queries if (wrong := _wrong_with(run, query))]


def _wrong_with(run: Run, query: SqlFile) -> str:
    try:
        with run.database.transaction(f"asking {query.rule}", statement_timeout=f"{QUERY_BUDGET_MS}ms", enable_seqscan="off") as connection:
            # a small table is read as a whole whatever its indexes, so the question is what could be used
            if _reads_all(connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {query.statement}").scalar_one()):
                return "no index"
            connection.exec_driver_sql("SET LOCAL enable_seqscan = on")
            connection.execute(text(query.statement)).all()
    except DatabaseError as error:
        if error.sqlstate != "57014":
            raise
        return f"longer than {QUERY_BUDGET_MS} ms"
    return ""


def _reads_all(plan: Any) -> bool:
    """Whether a node of the plan, as deep as it may be, reads artworks from the first row to the last."""
    if isinstance(plan, list):
        return any(map(_reads_all, plan))
    if not isinstance(plan, dict):
        return False
    return (plan.get("Node Type"), plan.get("Relation Name")) == ("Seq Scan", "artworks") or any(map(_reads_all, plan.values()))

"""What is checked while the clean table serves and no single query can find: fingerprint, product queries, acceptance test."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.errors import DatabaseError
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.sync.counted import RETIRED, expect_rows
from sql import SqlFile

#: The step that takes the fingerprint.
FINGERPRINT = "fingerprint of the retired table"
#: How long a product query may take, in milliseconds. With its index it takes a few.
QUERY_BUDGET_MS = 3000


class Fingerprint(TypedDict):
    """How many rows the retired table has, and the sum of the hashes of their texts."""

    row_count: int
    hash_sum: str


@dataclass(frozen=True)
class KeptFingerprint:
    """The newest fingerprint since the switch, and whether rows were carried back, or written through legacy_names, after it."""

    fingerprint: Fingerprint
    carried_back_since: bool
    written_since: bool

    @property
    def outdated(self) -> bool:
        """Whether the retired table differs from it rightly, so that it shows nothing."""
        return self.carried_back_since or self.written_since


@dataclass(frozen=True)
class AcceptanceResult:
    """What the acceptance test failed with, if it failed, and the tables whose rows the application lets nobody change."""

    failed_with: tuple[str, ...] = ()
    not_tried: tuple[str, ...] = ()


def take_fingerprint(run: Run) -> Fingerprint:
    """The fingerprint of the retired table, without user_id, which deleting a user changes. Locks ACCESS SHARE."""
    expect_rows(run, RETIRED)
    with run.database.transaction("taking the fingerprint of the retired table", isolation="REPEATABLE READ") as connection:
        return fingerprint(connection)


def retired_untouched(run: Run) -> bool:
    """Whether the retired table matches its newest fingerprint. Locks ACCESS SHARE."""
    expect_rows(run, RETIRED)
    with run.database.transaction("comparing the retired table's fingerprint", isolation="REPEATABLE READ") as connection:
        kept = kept_fingerprint(connection)
        return kept is not None and kept.fingerprint == fingerprint(connection)


def renew_fingerprint(run: Run) -> None:
    """Take a new fingerprint if rows were carried back after the newest one, as a step of this run that is done at once.

    The caller knows that only this run has written to the retired table.
    """
    expect_rows(run, RETIRED)
    with run.database.transaction("renewing the fingerprint", isolation="REPEATABLE READ") as connection:
        kept = kept_fingerprint(connection)
        if kept and kept.carried_back_since:
            details = json.dumps(fingerprint(connection))
            database.run(connection, "verify/renew_fingerprint", run=run.epoch, step=FINGERPRINT, details=details)


def kept_fingerprint(connection: Connection) -> KeptFingerprint | None:
    """The newest fingerprint since the switch; None if there is none."""
    found = database.rows(connection, "verify/fingerprint_kept", step=FINGERPRINT, switch_run=ledger.phase(connection).run)
    if not found:
        return None
    return KeptFingerprint(found[0]["details"], found[0]["carried_back_since"], found[0]["written_since"])


def fingerprint(connection: Connection) -> Fingerprint:
    """The fingerprint as of now. The same rows give the same one, whatever their order, types and the settings."""
    database.run(connection, "verify/text_settings")
    query = database.run(connection, "verify/fingerprint").scalar_one()
    row = database.run_literally(connection, query).one()
    return Fingerprint(row_count=row.row_count, hash_sum=row.hash_sum)


def acceptance_test(run: Run) -> AcceptanceResult:
    """Create, generate, upscale, find and order one artwork, in a transaction that is rolled back.

    Locks: that artwork, and one row of each table that references artworks, for a moment.
    """
    try:
        return AcceptanceResult(not_tried=run.database.write("running the acceptance test", _acceptance_test, application_code=True))
    except DatabaseError as error:
        return AcceptanceResult(failed_with=(f"SQLSTATE {error.sqlstate} {error.objects}".rstrip(),))


def _acceptance_test(connection: Connection) -> tuple[str, ...]:
    # the application's triggers fire, and find their tables as they do for the application
    connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '10s'")
    database.run_literally(connection, sql.load("verify/acceptance_test").statement)
    not_tried = connection.execute(text("SELECT CURRENT_SETTING('artwork_migration.not_tried', TRUE)")).scalar_one()
    connection.rollback()
    return tuple(f"the rows of {table} cannot be changed" for table in not_tried.split(", ")) if not_tried else ()


def slow_queries(run: Run, queries: Sequence[SqlFile]) -> list[str]:
    """The product queries that cannot use an index of the serving table, or that take too long. Locks ACCESS SHARE."""
    return [f"{query.rule}: {problem}" for query in queries if (problem := _problem_of(run, query))]


def _problem_of(run: Run, query: SqlFile) -> str:
    limits = {"statement_timeout": f"{QUERY_BUDGET_MS}ms", "enable_seqscan": "off"}
    try:
        with run.database.transaction(f"checking {query.rule}", **limits) as connection:
            # the planner reads a small table as a whole whatever its indexes, so the question is what it could use
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
    """Whether a node of the plan, at any depth, is a sequential scan of artworks."""
    if isinstance(plan, list):
        return any(map(_reads_all, plan))
    if not isinstance(plan, dict):
        return False
    return (plan.get("Node Type"), plan.get("Relation Name")) == ("Seq Scan", "artworks") or any(map(_reads_all, plan.values()))

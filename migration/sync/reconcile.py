"""Reconcile: it compares every row of both tables in one snapshot, and rechecks the ids that were in transit then."""

from collections import deque
from collections.abc import Iterator

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.driver_errors import TOO_MANY_CONNECTIONS
from migration.errors import DatabaseError
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.sync.catch_up import catch_up
from migration.sync.counted import CLEAN, LEGACY, expect_rows
from sql import SqlFile

#: Of how many rows of a rule and a column it is saved how their values differ.
DIFFERENCES_JUDGED = 1_000
#: How often the pending ids are rechecked before the rest stays pending.
RECHECKS = 10
#: What is compared, longest first, and the table whose rows it counts. Each is one statement that reads whole tables.
_COMPARISONS = {"reconcile/compare": LEGACY, "reconcile/strategy_count": LEGACY, "reconcile/round_trip": CLEAN}
#: There are few groups: sorting every row first, as a planner without statistics would, takes longer and more memory.
_COMPARING = {"enable_sort": "off"}


def reconcile(run: Run) -> dict[str, int]:
    """Compare every row, and write the findings and rule results of this run. Returns the number of rows by verdict.

    The comparison reads one REPEATABLE READ snapshot, over `copy_connections` connections. Ids that are pending in it are caught up and
    rechecked. Locks ACCESS SHARE.
    """
    legacy_rows = _compare(run)
    for _ in range(RECHECKS):
        if not _pending(run):
            break
        with run.progress.step("catch up with rows in transit"):
            catch_up(run)
        if run.log_is_left:
            break
        run.database.in_snapshot("rechecking pending ids", lambda connection: database.run(connection, "reconcile/recheck", run=run.epoch))
    run.database.write("writing the results", lambda connection: _write_results(run, connection, legacy_rows))
    with run.database.transaction("reading the counts") as connection:
        return {row["verdict"]: row["row_count"] for row in database.rows(connection, "reconcile/verdict_counts", run=run.epoch)}


def _compare(run: Run) -> int:
    """Execute every comparison in one snapshot. Returns how many rows the legacy table has in it."""
    with run.progress.step("compare every row"):
        for table in _COMPARISONS.values():
            expect_rows(run, table, share=0.8)  # what is counted for the report is the rest
        legacy_rows = run.database.in_snapshot("reconciling", lambda connection: _compare_in(run, connection), **_COMPARING)
    run.database.write(
        "deleting findings found twice", lambda connection: database.run(connection, "reconcile/delete_found_twice", run=run.epoch)
    )
    return legacy_rows


def _compare_in(run: Run, connection: Connection) -> int:
    run.database.write("deleting earlier results", lambda other: _delete_earlier_results(run, other))
    snapshot = connection.execute(text("SELECT PG_EXPORT_SNAPSHOT()")).scalar_one()
    files = iter([*map(sql.load, _COMPARISONS), *sql.folder("reconcile/statistics")])  # each connection takes the next one
    with run.database.threads(run.settings.copy_connections) as pool:
        beside = [pool.submit(_execute_beside, run, snapshot, files) for _ in range(run.settings.copy_connections - 1)]
        _execute(run, connection, files)
        for other in beside:
            other.result()
    return int(database.run(connection, "reconcile/legacy_rows").scalar_one())


def _delete_earlier_results(run: Run, connection: Connection) -> None:
    database.run(connection, "reconcile/delete_earlier_results", run=run.epoch)
    for table in ("reconciliation", "strategy_count", "statistic"):
        connection.execute(text(f"DELETE FROM artwork_migration.{table} WHERE run = :run"), {"run": run.epoch})


def _execute_beside(run: Run, snapshot: str, files: Iterator[SqlFile]) -> None:
    """Execute files over another connection. If the server has none left, all are left to the others."""
    try:
        with run.database.transaction("reconciling", isolation="REPEATABLE READ", snapshot=snapshot, **_COMPARING) as connection:
            _execute(run, connection, files)
            database.require_tables_of_snapshot(connection, "reconciling")
    except DatabaseError as error:
        if error.sqlstate != TOO_MANY_CONNECTIONS:
            raise


def _execute(run: Run, connection: Connection, files: Iterator[SqlFile]) -> None:
    """Execute the files that are left, one after the other; after an error none is left. A file of rows returns statements."""
    try:
        for file in files:
            if file.returns_statements:
                for row in database.statements(connection, file, run=run.epoch):
                    database.run_literally(connection, row.do)
            else:
                database.run(connection, file.name, run=run.epoch)
    except BaseException:
        deque(files, maxlen=0)
        raise


def _pending(run: Run) -> int:
    question = text("SELECT COUNT(*) FROM artwork_migration.finding WHERE run = :run AND rule = 'pending'")
    with run.database.transaction("counting pending ids") as connection:
        return int(connection.execute(question, {"run": run.epoch}).scalar_one())


def _write_results(run: Run, connection: Connection, legacy_rows: int) -> None:
    for rule in ("differs", "round_trip"):
        save_differences(run, connection, rule)
    allowed = int(ledger.decision_value(connection, "max_quarantined", "0"))
    database.run(connection, "reconcile/results", run=run.epoch, legacy_rows=legacy_rows, max_quarantined=allowed)


def save_differences(run: Run, connection: Connection, rule: str) -> None:
    """Save how the values differ in the rows that this rule has found, as statistics of the run. Locks ACCESS SHARE."""
    database.run(connection, "reconcile/differences", run=run.epoch, rule=rule, most=DIFFERENCES_JUDGED)

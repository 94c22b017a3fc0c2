"""Reconcile: it compares every row of both tables in one snapshot, and rechecks the ids that were in transit then."""

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.sync.catch_up import catch_up
from migration.sync.counted import CLEAN, LEGACY, expect_rows

#: How often the pending ids are rechecked before the rest stays pending.
RECHECKS = 10
#: What is compared, each in one statement over all rows of a table.
_COMPARISONS = {
    "compare every row": ("reconcile/compare", LEGACY),
    "compare the count with the strategy's": ("reconcile/strategy_count", LEGACY),
    "map the values back": ("reconcile/round_trip", CLEAN),
}


def reconcile(run: Run) -> dict[str, int]:
    """Compare every row, and write the findings and rule results of this run. Returns the number of rows by verdict.

    The comparison reads one REPEATABLE READ snapshot. Ids that are pending in it are caught up and rechecked. Locks ACCESS SHARE.
    """
    legacy_rows = _compare(run)
    for _ in range(RECHECKS):
        if not _pending(run):
            break
        with run.progress.step("catch up with rows in transit"):
            catch_up(run)
        with run.database.transaction("rechecking pending ids", isolation="REPEATABLE READ") as connection:
            database.run(connection, "reconcile/recheck", run=run.epoch)
    run.database.write("writing the results", lambda connection: _write_results(run, connection, legacy_rows))
    with run.database.transaction("reading the counts") as connection:
        return {row["verdict"]: row["row_count"] for row in database.rows(connection, "reconcile/verdict_counts", run=run.epoch)}


def _compare(run: Run) -> int:
    with run.database.transaction("reconciling", isolation="REPEATABLE READ") as connection:
        database.run(connection, "reconcile/delete_earlier_results", run=run.epoch)
        for table in ("reconciliation", "strategy_count", "statistic"):
            connection.execute(text(f"DELETE FROM artwork_migration.{table} WHERE run = :run"), {"run": run.epoch})
        for part, (query, table) in _COMPARISONS.items():
            with run.progress.step(part):
                expect_rows(run, table)
                database.run(connection, query, run=run.epoch)
        with run.progress.step("count for the report"):
            _count_statistics(run, connection)
        return int(database.run(connection, "reconcile/legacy_rows").scalar_one())


def _pending(run: Run) -> int:
    question = text("SELECT COUNT(*) FROM artwork_migration.finding WHERE run = :run AND rule = 'pending'")
    with run.database.transaction("counting pending ids") as connection:
        return int(connection.execute(question, {"run": run.epoch}).scalar_one())


def _write_results(run: Run, connection: Connection, legacy_rows: int) -> None:
    allowed = int(ledger.decision_value(connection, "max_quarantined", "0"))
    database.run(connection, "reconcile/results", run=run.epoch, legacy_rows=legacy_rows, max_quarantined=allowed)


def _count_statistics(run: Run, connection: Connection) -> None:
    """Write the counts of `sql/reconcile/statistics`, in its order. A file of rows returns one statement for each count."""
    files = sql.folder("reconcile/statistics")
    run.progress.expect(len(files), "counts")
    for file in files:
        if file.returns_statements:
            for row in database.statements(connection, file, run=run.epoch):
                database.run_literally(connection, row.do)
        else:
            database.run(connection, file.name, run=run.epoch)
        run.progress.add(1)

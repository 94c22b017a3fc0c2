"""Reconcile: compare every row of both sides in one snapshot, then look again at just what was on its way."""

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.sync.catch_up import catch_up

#: Looks at the pending ids before the rest is called pending for good.
SECOND_LOOKS = 10


def reconcile(run: Run) -> dict[str, int]:
    """Write verdict counts, findings and rule results of this run, once. Returns the legacy rows and clean extras by verdict.

    One REPEATABLE READ snapshot for all of it; ids pending in it are caught up and looked at again. Locks ACCESS SHARE.
    """
    legacy_rows = _look(run)
    for _ in range(SECOND_LOOKS):
        if not _pending(run):
            break
        catch_up(run)
        with run.database.transaction("looking again", isolation="REPEATABLE READ") as connection:
            database.run(connection, "reconcile/recheck", run=run.epoch)
    run.database.write("writing the results", lambda connection: _write_results(run, connection, legacy_rows))
    with run.database.transaction("reading the counts") as connection:
        return {row["verdict"]: row["row_count"] for row in database.rows(connection, "reconcile/verdict_counts", run=run.epoch)}


def _look(run: Run) -> int:
    with run.database.transaction("reconciling", isolation="REPEATABLE READ") as connection:
        database.run(connection, "reconcile/delete_earlier_results", run=run.epoch)
        for table in ("reconciliation", "strategy_count", "statistic"):
            connection.execute(text(f"DELETE FROM artwork_migration.{table} WHERE run = :run"), {"run": run.epoch})
        database.run(connection, "reconcile/compare", run=run.epoch)
        database.run(connection, "reconcile/strategy_count", run=run.epoch)
        database.run(connection, "reconcile/round_trip", run=run.epoch)
        _count_statistics(run, connection)
        return int(database.run(connection, "reconcile/legacy_rows").scalar_one())


def _pending(run: Run) -> int:
    question = text("SELECT COUNT(*) FROM artwork_migration.finding WHERE run = :run AND rule = 'pending'")
    with run.database.transaction("counting what is pending") as connection:
        return int(connection.execute(question, {"run": run.epoch}).scalar_one())


def _write_results(run: Run, connection: Connection, legacy_rows: int) -> None:
    allowed = int(ledger.decision_value(connection, "max_quarantined", "0"))
    database.run(connection, "reconcile/results", run=run.epoch, legacy_rows=legacy_rows, max_quarantined=allowed)


def _count_statistics(run: Run, connection: Connection) -> None:
    """Write every count of `sql/reconcile/statistics`, in its order; a file of rows returns one statement for each thing it counts."""
    for file in sql.folder("reconcile/statistics"):
        if file.returns_statements:
            for row in database.statements(connection, file, run=run.epoch):
                database.run_literally(connection, row.do)
        else:
            database.run(connection, file.name, run=run.epoch)

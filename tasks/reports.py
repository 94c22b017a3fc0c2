"""What is written to the reports folder: the report that people sign, and exports of the ledger before its tables go."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from migration import database
from migration.ledger import ledger
from migration.ledger.runs import Run
from reporting import pages
from reporting.verdict import report_markdown
from tasks.artifacts import publish
from tasks.steps import log, step

#: What goes into the export beside the ledger's own tables: ids, counts and names of operators, no customer's e-mail or token.
DATA_TABLES = (
    "clean_only_value",
    "clean_modified",
    "rejected_write",
    "quarantine",
    "created_user",
    "reconciliation",
    "strategy_count",
    "finding",
    "rule_result",
    "gate_result",
    "statistic",
)


@step("write the report")
def write_report(run: Run) -> None:
    """Write this run's report to the reports folder and show its first page as the artifact `migration-report`. Raises NoReport."""
    run.database.write("noting the seconds", lambda connection: _note_seconds(run, connection))
    report, path = pages.write_report(run.database, run.settings.reports)
    publish("migration-report", report_markdown(report, str(path)), "Whether it worked, where every row went, each gate")
    log().info("the report is %s", path)


@step("export the ledger")
def export_ledger(run: Run) -> Path:
    """Write the ledger, and by id the values only the clean side holds, to a JSON file in the reports folder. Returns its path."""
    with run.database.transaction("exporting the ledger", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        tables = [table for table in ledger.TABLES + DATA_TABLES if _exists(connection, table)]
        content: dict[str, list[dict[str, Any]]] = {table: _all_rows(connection, table) for table in tables}
    folder = run.settings.reports
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / f"ledger-{run.database.url.database}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.json").absolute()
    write_private(path, json.dumps(content, default=str, indent=1))
    log().info("the ledger was exported to %s", path)
    return path


def write_private(path: Path, content: str) -> None:
    """Write a new file that only its owner can read; it is on the disk when this returns."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _exists(connection: Connection, table: str) -> bool:
    return bool(connection.execute(text("SELECT TO_REGCLASS('artwork_migration.' || :table) IS NOT NULL"), {"table": table}).scalar_one())


def _all_rows(connection: Connection, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(f"SELECT * FROM artwork_migration.{table}")).mappings()]


def _note_seconds(run: Run, connection: Connection) -> None:
    steps = [{"step": name, "place": f"{place:02}", "seconds": taken} for place, (name, taken) in enumerate(run.seconds.items(), start=1)]
    database.run(connection, "report/note_seconds", run=run.epoch, steps=json.dumps(steps))

"""The steps that write to the reports folder: the report, and the export of the ledger before its tables are dropped."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, text

from migration import database
from migration.errors import Problem, shown
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.settings import Settings
from reporting import pages
from reporting.verdict import report_markdown
from tasks.artifacts import publish
from tasks.connection_block import for_terminal
from tasks.steps import log, step

#: The tables of the export besides those of the ledger. They have ids, counts and names of operators, but no e-mail and no token.
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
    "use_reading",
    "use_of_statement",
    "legacy_names_write",
    "legacy_names_use",
)


@step("write the report")
def write_report(run: Run) -> None:
    """Write the report of this run to the reports folder, and show its summary as the artifact `migration-report`. Raises NoReport.

    Then the ids that earlier runs found are deleted: the files of their reports have them.
    """
    run.database.write("recording the seconds", lambda connection: _note_seconds(run, connection))
    report, path = pages.write_report(run.database, run.settings.reports, run.settings.database)
    run.database.write(
        "deleting older findings", lambda connection: database.run(connection, "report/delete_older_findings", run=report.run.run)
    )
    publish("migration-report", report_markdown(report, _where(run.settings, path)), "The result, where every row went, each gate")
    log().info("the report was written to %s", path)


@step("export the ledger")
def export_ledger(run: Run) -> Path:
    """Write the ledger, and the values that only the clean side has, to a JSON file in the reports folder. Returns its path."""
    with run.database.transaction("exporting the ledger", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        tables = [table for table in ledger.TABLES + DATA_TABLES if _exists(connection, table)]
        content: dict[str, list[dict[str, Any]]] = {table: _all_rows(connection, table) for table in tables}
    folder = run.settings.reports
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / f"ledger-{run.database.url.database}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.json").absolute()
    write_private(path, json.dumps(content, default=str, indent=1))
    log().info("the ledger was exported to %s", path)
    return path


def write_problems(reports: Path, name: str, problems: Sequence[Problem]) -> str:
    """Write all problems to a private CSV file in the reports folder, if a message does not show all. Returns where it is, or nothing."""
    if len(shown(problems)) == len(problems):
        return ""
    rows = [{part: for_terminal(value) if isinstance(value, str) else value for part, value in asdict(found).items()} for found in problems]
    return write_csv(reports, name, rows)


def write_csv(reports: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows to a private CSV file in the reports folder, in place of an older one. Returns where it is, or why it is not there."""
    path = (reports / name).absolute()
    content = io.StringIO()
    writer = csv.DictWriter(content, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows({name: " ".join(value) if isinstance(value, list) else value for name, value in row.items()} for row in rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        write_private(path, content.getvalue())
    except OSError as error:
        return f"(not written to {path}: {error.strerror})"
    return str(path)


def write_private(path: Path, content: str) -> None:
    """Write a new file that only its owner can read, and flush it to disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _where(settings: Settings, path: Path) -> str:
    """Return a link to a page in the reports folder, or its path where the folder is not served."""
    if not settings.reports_url:
        return f"`{path}`"
    page = quote(path.relative_to(settings.reports.absolute()).as_posix())
    return f"[{path.name}]({settings.reports_url}{page}), [all reports]({settings.reports_url}index.html)"


def _exists(connection: Connection, table: str) -> bool:
    return bool(connection.execute(text("SELECT TO_REGCLASS('artwork_migration.' || :table) IS NOT NULL"), {"table": table}).scalar_one())


def _all_rows(connection: Connection, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(f"SELECT * FROM artwork_migration.{table}")).mappings()]


def _note_seconds(run: Run, connection: Connection) -> None:
    steps = [{"step": name, "place": f"{place:02}", "seconds": taken} for place, (name, taken) in enumerate(run.seconds.items(), start=1)]
    database.run(connection, "report/note_seconds", run=run.epoch, steps=json.dumps(steps))

"""The report: what people sign."""

import json

from prefect.logging import get_run_logger
from sqlalchemy import Connection

from migration import database
from migration.ledger.runs import Run
from reporting import pages
from reporting.verdict import report_markdown
from tasks.artifacts import publish
from tasks.steps import step


@step("write the report")
def write_report(run: Run) -> None:
    """Write this run's report to the reports folder and show its first page as the artifact `migration-report`. Raises NoReport."""
    run.database.write("noting the seconds", lambda connection: _note_seconds(run, connection))
    report, path = pages.write_report(run.database, run.settings.reports)
    publish("migration-report", report_markdown(report, str(path)), "Whether it worked, where every row went, each gate")
    get_run_logger().info("the report is %s", path)


def _note_seconds(run: Run, connection: Connection) -> None:
    steps = [{"step": name, "place": f"{place:02}", "seconds": taken} for place, (name, taken) in enumerate(run.seconds.items(), start=1)]
    database.run(connection, "report/note_seconds", run=run.epoch, steps=json.dumps(steps))

"""Making, publishing, keeping and confirming plans."""

from collections.abc import Callable
from pathlib import Path

from prefect.logging import get_run_logger
from sqlalchemy import Connection

from migration.ledger.runs import Run
from migration.plans import plan
from migration.plans.plan import Approval, Plan
from reporting.plans import plan_markdown
from tasks.artifacts import publish
from tasks.exporting import write_private


def make_plan(run: Run, make: Callable[[Connection], Plan]) -> Plan:
    """Read the plan in one snapshot. Raises what `make` raises (PrerequisitesNotMet); creates nothing."""
    with run.database.transaction(f"planning {run.verb}", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        return make(connection)


def publish_plan(run: Run, made: Plan) -> Path | None:
    """Keep the plan in the ledger, creating that for the first plan, and show it: as an artifact, and in a file. Returns the file's path,
    None where the reports folder cannot be written: the artifact is there."""
    run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
    told = plan_markdown(made)
    publish(f"plan-{made.number}", told, f"Plan {made.number} of {made.verb}, nothing changed yet")
    path = (run.settings.reports / f"plan-{made.number}.md").absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        write_private(path, told)
    except OSError as error:
        get_run_logger().warning("the plan was not written to %s: %s", path, error.strerror)
        return None
    return path


def confirm_plan(run: Run, made: Plan, approval: Approval) -> None:
    """Go on only with the approved number and without blockers. Raises PlanOutdated or Blocked."""
    with run.database.transaction("confirming the plan") as connection:
        plan.confirm(connection, made, approval)
    run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))

"""Making, publishing, keeping and confirming plans."""

from collections.abc import Callable

from sqlalchemy import Connection

from migration import plan
from migration.plan import Approval, Plan
from migration.runs import Run
from reporting.plans import plan_markdown
from tasks.artifacts import publish


def make_plan(run: Run, make: Callable[[Connection], Plan]) -> Plan:
    """Read the plan in one snapshot. Raises what `make` raises (ObstaclesFound); creates nothing."""
    with run.database.transaction(f"planning {run.verb}", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        return make(connection)


def publish_plan(run: Run, made: Plan) -> None:
    """Keep the plan in the ledger, creating that for the first plan, and show it as an artifact."""
    run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
    publish(f"plan-{made.number}", plan_markdown(made), f"Plan {made.number} of {made.verb}, nothing changed yet")


def confirm_plan(run: Run, made: Plan, approval: Approval) -> None:
    """Go on only with the approved number and without blockers. Raises PlanOutdated or Blocked."""
    with run.database.transaction("confirming the plan") as connection:
        plan.confirm(connection, made, approval)
    run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))

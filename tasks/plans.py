"""Plans: made, published, approved and executed."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection

from migration.ledger.runs import Approval, Run
from migration.plans import execution, plan
from migration.plans.plan import Plan
from reporting.plans import plan_markdown
from tasks.artifacts import publish
from tasks.reports import write_private
from tasks.steps import log, step


class OnlyPlanned(Exception):
    """The end of a run without an approval: the plan was made and published, nothing else. `path` is its file, if it could be written."""

    def __init__(self, plan: Plan, path: Path | None) -> None:
        super().__init__(plan.number)
        self.plan, self.path = plan, path


def approved_plan(run: Run, make: Callable[[Connection], Plan], approval: Approval | None) -> Plan:
    """Make the plan, and begin the run if exactly this plan was approved. Returns the plan.

    Raises OnlyPlanned without an approval, PlanOutdated or Blocked, and what `make` raises (PrerequisitesNotMet).
    """
    made = read_plan(run, make)
    if approval is None:
        raise OnlyPlanned(made, publish_plan(run, made))
    with run.database.transaction("confirming the plan") as connection:
        plan.confirm(connection, made, approval)
    keep_plan(run, made)
    run.begin(approval)
    return made


def read_plan(run: Run, make: Callable[[Connection], Plan]) -> Plan:
    """Read the plan in one snapshot. Raises what `make` raises (PrerequisitesNotMet); creates nothing."""
    with run.database.transaction(f"planning {run.verb}", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        return make(connection)


def keep_plan(run: Run, made: Plan) -> Plan:
    """Store the plan in the ledger, creating that for the first plan. Returns the plan."""
    run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
    return made


def publish_plan(run: Run, made: Plan) -> Path | None:
    """Keep the plan in the ledger, creating that for the first plan, and show it as an artifact and in a file.

    Returns the file's path, or None where the reports folder cannot be written: the artifact is there.
    """
    keep_plan(run, made)
    markdown = plan_markdown(made)
    publish(f"plan-{made.number}", markdown, f"Plan {made.number} of {made.verb}, nothing changed yet")
    path = (run.settings.reports / f"plan-{made.number}.md").absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        write_private(path, markdown)
    except OSError as error:
        log().warning("the plan was not written to %s: %s", path, error.strerror)
        return None
    return path


@step("execute the plan")
def execute_plan(run: Run, plan: Plan, *, checks: Sequence[str] = (), before_attempt: Callable[[], object] = lambda: None) -> None:
    """Execute the plan and enter the phase that its verb brings, see migration.plans.execution.execute_plan."""
    attempts = execution.execute_plan(run, plan, checks=checks, before_attempt=before_attempt, on_attempt=log().warning)
    log().info("plan %s: executed, attempts: %d", plan.number, attempts)


@step("finish the plan")
def finish_plan(run: Run, plan: Plan) -> None:
    """Execute what the plan does after its lock. Killed here, a new run of the verb does what is left."""
    execution.finish(run.database, plan.statements, verb=str(run.verb), patience=run.settings.lock_wait_seconds)

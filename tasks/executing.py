"""Executing an approved plan."""

from prefect.logging import get_run_logger
from sqlalchemy import Connection

from migration import execution, ledger
from migration.phases import Phase
from migration.plan import Plan
from migration.runs import Run
from tasks.steps import step


@step("execute the plan")
def execute_plan(run: Run, plan: Plan, phase_after: Phase) -> int:
    """Execute the plan's statements in one bounded transaction, in which `phase_after` becomes true. Returns the attempts it took.

    Raises LockNotObtained or DatabaseError; nothing is changed then. What the plan does after its lock goes on where it was when run again.
    """

    def enter_phase(connection: Connection) -> None:
        ledger.end_run(connection, run.epoch, outcome="Completed", phase_after=phase_after)

    attempts = execution.execute(
        run.database, plan, patience=run.settings.lock_wait_seconds, before_commit=enter_phase, on_attempt=get_run_logger().warning
    )
    get_run_logger().info("plan %s: %d statements executed in attempt %d", plan.number, len(plan.statements), attempts)
    return attempts

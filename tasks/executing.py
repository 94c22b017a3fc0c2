"""Executing an approved plan."""

from collections.abc import Callable, Sequence

from prefect.logging import get_run_logger
from sqlalchemy import Connection

from migration.ledger import ledger
from migration.ledger.phases import Phase
from migration.ledger.runs import Run
from migration.plans import execution
from migration.plans.plan import Plan
from tasks.steps import step


@step("execute the plan")
def execute_plan(
    run: Run, plan: Plan, phase_after: Phase, *, looks: Sequence[str] = (), before_attempt: Callable[[], object] = lambda: None
) -> None:
    """Execute the plan's statements in one bounded transaction, in which `phase_after` becomes true and what is left to do is noted:
    the statements that follow the commit, and these `looks`. `before_attempt` happens before each attempt, outside any lock.

    Raises LockNotObtained, BlockerHasCome, WrongUnderLock or DatabaseError; nothing is changed then. Tried again after a lost
    connection, it does nothing if the transaction had been committed.
    """
    with run.database.transaction("looking whether it is done") as connection:
        if ledger.brought_a_phase(connection, run.epoch):
            return

    def enter_phase(connection: Connection) -> None:
        ledger.end_run(connection, run.epoch, outcome="Completed", phase_after=phase_after)
        after = [statement.object for statement in plan.statements if statement.stage == "after"]
        ledger.note_steps_left(connection, run.epoch, [*after, *looks])

    attempts = execution.execute(
        run.database,
        plan.statements,
        verb=plan.verb,
        action=f"plan {plan.number}",
        patience=run.settings.lock_wait_seconds,
        before_commit=enter_phase,
        on_attempt=get_run_logger().warning,
        before_attempt=before_attempt,
    )
    get_run_logger().info("plan %s: executed in attempt %d", plan.number, attempts)


@step("finish the plan")
def finish_plan(run: Run, plan: Plan) -> None:
    """Execute what the plan does after its lock. Killed here, a new run of the verb does what is left."""
    execution.finish(run.database, plan.statements, verb=run.verb, patience=run.settings.lock_wait_seconds)

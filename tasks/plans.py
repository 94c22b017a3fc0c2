"""The steps that make, publish, approve and execute a plan."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, event

from migration.errors import NewBlocker, blockers_file
from migration.ledger.runs import Approval, Run
from migration.plans import dependents, execution
from migration.plans.plan import Plan, confirm, keep
from reporting.plans import plan_markdown, sql_markdown
from tasks.artifacts import publish
from tasks.connection_block import for_terminal
from tasks.links import form_link, key_of
from tasks.reports import write_private, write_problems
from tasks.steps import log, step


class OnlyPlanned(Exception):
    """The end of a run without an approval: the plan was made and published.

    `path` is its file, or None if it could not be written; `form` is the address of the form that runs it, or empty.
    """

    def __init__(self, plan: Plan, path: Path | None, form: str) -> None:
        super().__init__(plan.number)
        self.plan, self.path, self.form = plan, path, form


def approved_plan(run: Run, make: Callable[[Connection], Plan], approval: Approval | None) -> Plan:
    """Make the plan, and begin the run if exactly this plan was approved. Returns the plan.

    Raises OnlyPlanned (no approval), PlanOutdated, Blocked, or PrerequisitesNotMet.
    """
    plan = read_plan(run, make)
    if approval is None:
        form = "" if plan.blockers else form_link(plan.verb, plan.number)
        raise OnlyPlanned(plan, publish_plan(run, plan, form), form)
    with run.database.transaction("confirming the plan") as connection:
        confirm(connection, plan, approval)
    keep_plan(run, plan)
    run.begin(approval)
    return plan


def read_plan(run: Run, make: Callable[[Connection], Plan]) -> Plan:
    """Return the plan that `make` makes in one snapshot; what it tries, it takes back. Raises PrerequisitesNotMet."""
    with (
        run.progress.step("make the plan"),
        run.database.transaction(f"planning {run.verb}", isolation="REPEATABLE READ") as connection,
    ):
        run.progress.expect(None, "queries")
        event.listen(connection, "after_cursor_execute", lambda *_: run.progress.add(1))
        return make(connection)


def keep_plan(run: Run, plan: Plan) -> Plan:
    """Store the plan in the ledger, which is created for the first plan. Returns the plan."""
    run.database.write("keeping the plan", lambda connection: keep(connection, plan, run.name))
    return plan


def publish_plan(run: Run, plan: Plan, form: str = "") -> Path | None:
    """Store the plan in the ledger, and show it and its SQL as artifacts and in files, with the address of its `form`.

    Returns the path of the plan's file, or None if it cannot be written; the artifacts have the plan then too.
    """
    keep_plan(run, plan)
    page = plan_markdown(plan, form, key_of(f"plan-{plan.number}-sql"))
    publish(f"plan-{plan.number}-sql", sql_markdown(plan), f"SQL of plan {plan.number} of {plan.verb}; nothing was changed")
    publish(f"plan-{plan.number}", page, f"Plan {plan.number} of {plan.verb}; nothing was changed")
    write_problems(run.settings.reports, blockers_file(plan.number), plan.blockers)
    _written(run, f"plan-{plan.number}-sql.md", sql_markdown(plan))
    return _written(run, f"plan-{plan.number}.md", page)


def _written(run: Run, name: str, markdown: str) -> Path | None:
    path = (run.settings.reports / name).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        write_private(path, for_terminal(markdown))
    except OSError as error:
        log().warning("the plan could not be written to %s: %s; the artifact has it", path, error.strerror)
        return None
    return path


@step("execute the plan")
def execute_plan(
    run: Run,
    plan: Plan,
    *,
    checks: Sequence[str] = (),
    before_attempt: Callable[[], object] = lambda: None,
    before_locks: Callable[[], object] = lambda: None,
) -> None:
    """Execute the plan; the same transaction brings the phase of its verb. Raises LockNotObtained, NewBlocker or WrongUnderLock."""

    def shown(work: Callable[[], object]) -> None:
        with run.progress.step("before the locks"):
            work()

    def warn(message: str) -> None:
        log().warning(for_terminal(message))

    try:
        before = {"before_attempt": partial(shown, before_attempt), "before_locks": partial(shown, before_locks)}
        attempts = execution.execute_plan(run, plan, checks=checks, on_attempt=warn, **before)
    except NewBlocker as error:
        with run.database.transaction("reading what has changed", transaction_read_only="on") as connection:
            raise dependents.named(connection, plan, error) from None
    log().info("plan %s: executed, attempts: %d", plan.number, attempts)


@step("finish the plan")
def finish_plan(run: Run, plan: Plan) -> None:
    """Execute the statements of the plan that follow its commit. After a kill, the next run of the verb does the rest."""
    execution.finish(run.database, plan.statements, verb=str(run.verb), patience=run.settings.lock_wait_seconds)

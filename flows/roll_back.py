"""The way back."""

from typing import Literal

from prefect.client.schemas.objects import State

from migration.ledger.phases import Phase
from migration.ledger.runs import Run
from migration.plans.plan import Approval
from migration.verbs.roll_back import plan_roll_back, plan_uninstall
from tasks.executing import execute_plan, finish_plan
from tasks.exporting import export_ledger
from tasks.planning import confirm_plan, make_plan, publish_plan
from tasks.switching import carry_back_writes, drain_clean_log, dry_run_roll_back, fingerprint_kept, finish_steps
from tasks.verbs import completed, planned, verb, writing


@verb
def roll_back(
    to: Literal["NOT_STARTED", "MIGRATED"] = "NOT_STARTED",
    plan: str | None = None,
    approved_by: str | None = None,
    reason: str | None = None,
) -> State:
    """Let the legacy table serve again, or take everything of ours away; every write, on whichever side it was made, stays.

    SWITCHED → MIGRATED: what was written since the switch is carried into the retired table first, while the application goes on; then
    the names change hands back. DEPLOYED or MIGRATED → NOT_STARTED: nothing of ours is left; the ledger, and what only the clean side
    holds, are exported to a file before they go. Both make all access to artworks, and to what references it (on the way to NOT_STARTED
    to users as well), wait for a moment: less than half of the server's deadlock_timeout. Interrupted after that moment, they do what is
    left when they are run again.

    Args:
        to: The phase to go back to.
        plan: Leave empty to see the plan; nothing is changed then. To run it, give the number that the plan has.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why; kept in the ledger.
    """
    approval = Approval.given(plan, approved_by, reason)
    with writing("roll_back") as run:
        return _switch_back(run, approval) if to == "MIGRATED" else _withdraw(run, approval)


def _switch_back(run: Run, approval: Approval | None) -> State:
    if run.has_steps_left(Phase.MIGRATED):
        run.begin()
    else:
        run.require(Phase.SWITCHED)
        rehearsed = dry_run_roll_back(run)
        made = make_plan(run, lambda connection: plan_roll_back(connection, rehearsed))
        if approval is None:
            return planned(made, publish_plan(run, made))
        confirm_plan(run, made, approval)
        run.begin(approved_by=approval.approved_by, reason=approval.reason, plan=made.number)
        with fingerprint_kept(run):
            carry_back_writes(run, made)
            execute_plan(run, made, Phase.MIGRATED, before_attempt=drain_clean_log(run, made))
    finish_steps(run)
    run.end("Completed")
    return completed(Phase.MIGRATED, "The names are the old ones again, and every write is in the legacy table.")


def _withdraw(run: Run, approval: Approval | None) -> State:
    run.require_ledger()
    made = make_plan(run, plan_uninstall)
    if approval is None:
        return planned(made, publish_plan(run, made))
    confirm_plan(run, made, approval)
    run.begin(approved_by=approval.approved_by, reason=approval.reason, plan=made.number)
    execute_plan(run, made, Phase.NOT_STARTED)
    exported = export_ledger(run)
    finish_plan(run, made)
    return completed(Phase.NOT_STARTED, f"Nothing of ours is left in the database; the ledger is in {exported}.")

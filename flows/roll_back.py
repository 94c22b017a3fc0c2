"""The way back."""

from typing import Literal

from prefect.client.schemas.objects import State

from migration.deployment import plan_withdrawal
from migration.phases import Phase
from migration.plan import Approval
from tasks.executing import execute_plan, finish_plan
from tasks.exporting import export_ledger
from tasks.planning import confirm_plan, make_plan, publish_plan
from tasks.verbs import completed, planned, verb, writing


@verb
def roll_back(
    to: Literal["NOT_STARTED"] = "NOT_STARTED", plan: str | None = None, approved_by: str | None = None, reason: str | None = None
) -> State:
    """Take everything of ours away again; every write, on whichever side it was made, stays in the legacy table.

    DEPLOYED or MIGRATED → NOT_STARTED. All access to artworks, users and the tables that reference artworks waits for a moment (less than
    half of the server's deadlock_timeout). The ledger, and what only the clean side holds, are exported to a file before they go.
    Interrupted after that moment, it does what is left when it is run again.

    Args:
        to: The phase to go back to.
        plan: Leave empty to see the plan; nothing is changed then. To run it, give the number that the plan has.
        approved_by: Who approves the plan; kept in the exported ledger.
        reason: Why; kept in the exported ledger.
    """
    approval = Approval.given(plan, approved_by, reason)
    with writing("roll_back") as run:
        run.require_ledger()
        made = make_plan(run, plan_withdrawal)
        if approval is None:
            publish_plan(run, made)
            return planned(made)
        confirm_plan(run, made, approval)
        run.begin(approved_by=approval.approved_by, reason=approval.reason, plan=made.number)
        execute_plan(run, made, Phase.NOT_STARTED)
        exported = export_ledger(run)
        finish_plan(run, made)
        return completed(Phase.NOT_STARTED, f"Nothing of ours is left in the database; the ledger is in {exported}.")

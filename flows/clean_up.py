"""Phase 4: the retired table goes. The point of no return."""

from prefect.client.schemas.objects import State

from migration.ledger.phases import Phase
from migration.plans.plan import Approval
from migration.verbs.clean_up import EXPORT, plan_clean_up
from tasks.cleaning import finish_clean_up
from tasks.executing import execute_plan
from tasks.planning import confirm_plan, make_plan, publish_plan
from tasks.verbs import completed, planned, verb, writing


@verb
def clean_up(plan: str | None = None, approved_by: str | None = None, reason: str | None = None) -> State:
    """Take the retired table `artworks_old` away, and everything of ours but the record of what was done. THIS IS THE POINT OF NO RETURN:
    there is no way back, and the retired table's values are gone.

    SWITCHED → CLEANED. Refused before the safety window is over, without a green verification of the last day, and while anything depends
    on what goes; the plan can be read at any time and names what speaks against it. All access to artworks, users and what references
    artworks waits for a moment (less than half of the server's deadlock_timeout). Interrupted before that moment, nothing has changed;
    after it, the rest is done when it is run again.

    Args:
        plan: Leave empty to see the plan; nothing is changed then. To run it, give the number that the plan has.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why now; kept in the ledger.
    """
    approval = Approval.given(plan, approved_by, reason)
    with writing("clean_up") as run:
        if run.has_steps_left(Phase.CLEANED):
            run.begin()
        else:
            run.require(Phase.SWITCHED)
            made = make_plan(run, plan_clean_up)
            if approval is None:
                return planned(made, publish_plan(run, made))
            confirm_plan(run, made, approval)
            run.begin(approved_by=approval.approved_by, reason=approval.reason, plan=made.number)
            execute_plan(run, made, Phase.CLEANED, looks=(EXPORT,))
        finish_clean_up(run)
        run.end("Completed")
        return completed(Phase.CLEANED, "The ledger says what was done; what its logs held is in a file in the reports folder.")

"""Phase 4: the retired table is dropped. The point of no return."""

from prefect.client.schemas.objects import State

from migration.ledger.phases import CLEAN_UP, Phase
from migration.ledger.runs import Approval
from migration.verbs.clean_up import EXPORT, plan_clean_up
from tasks.plans import approved_plan, execute_plan
from tasks.switching import finish_clean_up
from tasks.verbs import completed, verb, writing


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
    with writing(CLEAN_UP) as run:
        if not run.resume():
            run.require_phase()
            approved = approved_plan(run, plan_clean_up, approval)
            execute_plan(run, approved, checks=(EXPORT,))
        finish_clean_up(run)
        run.end("Completed")
        return completed(Phase.CLEANED, "The ledger keeps what was done; what its logs held is in a file in the reports folder.")

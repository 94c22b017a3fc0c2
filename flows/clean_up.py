"""The flow clean_up, which ends the safety window for good."""

from prefect.client.schemas.objects import State

from migration.ledger.phases import CLEAN_UP, Phase
from migration.ledger.runs import Approval
from migration.verbs.clean_up import EXPORT, plan_clean_up
from tasks.plans import approved_plan, execute_plan
from tasks.readiness import read_use
from tasks.switching import finish_clean_up
from tasks.verbs import completed, verb, writing


@verb
def clean_up(plan: str = "", approved_by: str = "", reason: str = "", database: str = "") -> State:
    """Drop the retired table `artworks_old` and the migration's objects; only the ledger stays. THIS IS THE POINT OF NO RETURN: no rollback
    is possible after it, and the retired table's values are gone.

    SWITCHED → CLEANED. Blocked before the safety window is over, without a green verification of the last day, while another object depends
    on what is dropped, and until nobody has used the old names for 7 days. The plan can be made on any day; it names its blockers. All
    access to artworks, users and the tables that reference artworks waits for a moment, less than half of the server's deadlock_timeout.
    If the run is killed before that moment, nothing has changed; if it is killed after it, the next run does the rest.

    Args:
        plan: Leave it empty to make the plan; nothing is changed. To execute the plan, give its number.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why now; kept in the ledger.
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    approval = Approval.given(plan, approved_by, reason)
    with writing(CLEAN_UP) as run:
        if not run.resume():
            run.require_phase()
            read_use(run)
            approved = approved_plan(run, plan_clean_up, approval)
            execute_plan(run, approved, checks=(EXPORT,))
        finish_clean_up(run)
        run.end("Completed")
        return completed(Phase.CLEANED, "The ledger keeps what was done; what its logs held is in a file in the reports folder.")

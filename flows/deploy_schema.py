"""Phase 1: deploy the clean schema beside the live one."""

from prefect.client.schemas.objects import State

from migration.ledger.phases import Phase
from migration.plans.plan import Approval
from migration.verbs.deploy_schema import plan_deployment
from tasks.executing import execute_plan
from tasks.planning import confirm_plan, make_plan, publish_plan
from tasks.verbs import completed, planned, verb, writing


@verb
def deploy_schema(plan: str | None = None, approved_by: str | None = None, reason: str | None = None) -> State:
    """Create the clean table `artworks_v2` beside the live one, with capture and write-through; the application goes on as before.

    NOT_STARTED → DEPLOYED. Writes to artworks, users and the tables that reference artworks wait for a moment (less than half of the
    server's deadlock_timeout), reads do not.

    Args:
        plan: Leave empty to see the plan; nothing is changed then. To run it, give the number that the plan has.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why now; kept in the ledger.
    """
    approval = Approval.given(plan, approved_by, reason)
    with writing("deploy_schema") as run:
        run.require(Phase.NOT_STARTED)
        made = make_plan(run, plan_deployment)
        if approval is None:
            return planned(made, publish_plan(run, made))
        confirm_plan(run, made, approval)
        run.begin(approved_by=approval.approved_by, reason=approval.reason, plan=made.number)
        execute_plan(run, made, Phase.DEPLOYED)
        return completed(Phase.DEPLOYED, "The clean table stands beside the live one; what is written to either lands in both.")

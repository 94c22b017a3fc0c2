"""The flow deploy_schema, which begins the migration."""

from prefect.client.schemas.objects import State

from migration.ledger.phases import DEPLOY_SCHEMA, Phase
from migration.ledger.runs import Approval
from migration.verbs.deploy_schema import plan_deploy_schema
from tasks.plans import approved_plan, execute_plan
from tasks.verbs import completed, verb, writing


@verb
def deploy_schema(plan: str = "", approved_by: str = "", reason: str = "", database: str = "") -> State:
    """Create the clean table `artworks_v2` beside the live one, with capture and write-through; the application keeps working unchanged.

    NOT_STARTED → DEPLOYED. Writes to artworks, users and the tables that reference artworks wait for a moment, less than half of the
    server's deadlock_timeout. Reads do not wait, except those of `users` if it lacks `is_anonymous`.

    Args:
        plan: Leave it empty to make the plan; nothing is changed. To execute the plan, give its number.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why now; kept in the ledger.
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    approval = Approval.given(plan, approved_by, reason)
    with writing(DEPLOY_SCHEMA) as run:
        run.require_phase()
        approved = approved_plan(run, plan_deploy_schema, approval)
        execute_plan(run, approved)
        return completed(Phase.DEPLOYED, "The clean table is deployed beside the live one; a write to either reaches both.")

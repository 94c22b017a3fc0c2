"""The flow move_customers, for a rollout customer by customer before the switch."""

from functools import partial
from typing import Literal

from prefect.client.schemas.objects import State

from migration.checks.gates import require_green
from migration.ledger.phases import MOVE_CUSTOMERS, Phase
from migration.ledger.runs import Approval
from migration.plans.drift import require_no_drift
from migration.verbs.move_customers import Choice, plan_move_customers
from tasks.copying import catch_up_with_log
from tasks.moving import count_moved, propose_move
from tasks.plans import approved_plan, execute_plan
from tasks.validation import judge
from tasks.verbs import completed, verb, writing


@verb
def move_customers(  # noqa: PLR0917 (the fields of a form)
    to: Literal["clean", "legacy"] | None = None,
    percent: float | None = None,
    emails: str = "",
    plan: str = "",
    approved_by: str = "",
    reason: str = "",
) -> State:
    """Let the clean table serve these customers before the switch, or the legacy table again: `artwork_schema_for` answers so.

    MIGRATED → MIGRATED. Both tables have every write of either side, as before; the run catches up with the log, and compares the artworks
    of just these customers before anything changes. No lock is taken on a table of the application. To move customers back, move them to
    the other table.

    Args:
        to: The table that is to serve the customers. Leave it empty with the number of a plan.
        percent: A share of all customers. At least so many percent are served by the table afterwards. The customers of a share stay the
            same, and a larger share contains them.
        emails: Single customers instead: e-mails with blanks, commas or line breaks between, in any spelling. The ledger keeps a hash of
            each. Prefect keeps what is typed here with the run; to avoid that, give @ and the path of a file on the worker.
        plan: Leave it empty to make the plan; nothing is changed. To execute the plan, give its number, and none of the fields above.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why; kept in the ledger.
    """
    choice, approval = Choice.given(to, emails, percent), Approval.given(plan, approved_by, reason)
    with writing(MOVE_CUSTOMERS) as run:
        run.require_phase()
        require_no_drift(run)
        make = partial(plan_move_customers, choice=choice, number=approval.plan if approval else "")
        approved = approved_plan(run, make, approval)
        propose_move(run, approved)
        catch_up_with_log(run)
        require_green(judge(run, "moved_customers"))
        execute_plan(run, approved)
        catch_up_with_log(run)  # what old code wrote for them until the commit
        return completed(Phase.MIGRATED, count_moved(run))

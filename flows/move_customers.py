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
from tasks.moving import find_moving, keep_no_address, put_in_force
from tasks.plans import approved_plan
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
    database: str = "",
) -> State:
    """Let the clean table serve these customers before the switch, or the legacy table again: `artwork_schema_for` answers so.

    MIGRATED → MIGRATED. The run carries over what is in flight of these customers, catches up with the log, and compares just their
    artworks before anything changes. No lock is taken on a table of the application. To move customers back, move them to the other table.

    Args:
        to: The table that is to serve the customers. Leave it empty with the number of a plan.
        percent: A share of all customers, by a hash of the e-mail, so about so many percent; the plan has the number. The customers of a
            share stay the same, and a larger share contains them.
        emails: Single customers instead: e-mails with blanks or commas between, in any spelling; or @ and the path of a file on the
            worker, with one e-mail a line. No address is kept: the ledger has a hash of each, and the run's parameters are replaced.
        plan: Leave it empty to make the plan; nothing is changed. To execute the plan, give its number, and none of the fields above.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why; kept in the ledger.
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    keep_no_address(emails)
    choice, approval = Choice.given(to, emails, percent), Approval.given(plan, approved_by, reason)
    with writing(MOVE_CUSTOMERS) as run:
        run.require_phase()
        require_no_drift(run)
        make = partial(plan_move_customers, choice=choice, number=approval.plan if approval else "")
        approved = approved_plan(run, make, approval)
        find_moving(run, approved)
        catch_up_with_log(run)
        require_green(judge(run, "moved_customers"))
        return completed(Phase.MIGRATED, put_in_force(run, approved))

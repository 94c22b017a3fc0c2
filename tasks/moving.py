"""The steps of a move of customers beside those of every plan."""

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from migration.ledger.runs import Run
from migration.plans.plan import Plan
from migration.verbs import move_customers
from tasks.steps import if_the_api_responds, in_flow, log, step


def keep_no_address(emails: str) -> None:
    """Replace the e-mails among the parameters that Prefect keeps with the run. A path of a file stays."""
    if not emails or emails.startswith("@") or not in_flow():
        return
    kept = {**flow_run.parameters, "emails": move_customers.NOT_KEPT}
    with if_the_api_responds("the parameters without e-mails"), get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, parameters=kept).raise_for_status()


@step("find the artworks to move")
def find_moving(run: Run, approved: Plan) -> None:
    """Find the artworks of the customers who move, for the gate. Raises Overtaken or RunInProgress."""
    move_customers.find_moving(run, approved)


@step("move the customers")
def put_in_force(run: Run, approved: Plan) -> str:
    """Execute the plan. Returns a sentence on the customers who were moved. Raises Overtaken or RunInProgress."""
    moved = move_customers.put_in_force(run, approved)
    log().info("plan %s: executed; %d customers, %d artworks", approved.number, moved.customers, moved.artworks)
    table = approved.facts["served_by_afterwards"]
    return f"Moved to the {table} table: customers {moved.customers}, artworks {moved.artworks}; `artwork_schema_for` answers so."

"""The steps of a move of customers beside those of every plan."""

from migration.ledger.runs import Run
from migration.plans.plan import Plan
from migration.verbs import move_customers
from tasks.steps import log, step


@step("record the customers to move")
def propose_move(run: Run, approved: Plan) -> None:
    """Record whom the approved plan moves; it is not in force yet. Raises Overtaken or RunInProgress."""
    move_customers.propose(run, approved)


@step("count the moved customers")
def count_moved(run: Run) -> str:
    """Return a sentence on the customers that were moved. Raises DatabaseError."""
    moved = move_customers.moved(run)
    log().info("moved: %d customers, %d artworks", moved.customers, moved.artworks)
    counts = f"{moved.customers}, artworks: {moved.artworks}"
    return f"Customers served by the {moved.served_by} table now, as `artwork_schema_for` says: {counts}."

"""What a verb does with a plan before it executes it: make, keep and confirm it, with the decisions it was made on."""

from functools import partial

from migration.ledger import ledger
from migration.ledger.runs import Approval
from migration.plans import plan
from migration.plans.plan import Plan
from migration.verbs.roll_back import plan_uninstall
from tests.databases import Shop, planned

#: `planned_uninstall(shop)` is the plan of roll-back --to NOT_STARTED, not kept.
planned_uninstall = partial(planned, make=plan_uninstall)


def keep(shop: Shop, made: Plan) -> None:
    """Keep a plan that has no approval yet."""
    shop.database.write("keeping the plan", lambda connection: plan.keep(connection, made, "test-run"))


def confirm(shop: Shop, made: Plan, number: str) -> None:
    """Check the number that a verb was given against the plan as it is now."""
    with shop.database.transaction("confirming the plan") as connection:
        plan.confirm(connection, made, Approval(number, "test", "test"))


def decide(shop: Shop, name: str, value: str) -> None:
    """Record a decision, also where no plan has created the ledger yet."""
    with shop.database.transaction("deciding") as connection:
        ledger.create(connection)
        ledger.decide(connection, name, value, approved_by="test", reason="test", run_name="test-run")

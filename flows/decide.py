"""An operator's choice, kept in the ledger with who and why."""

from prefect.client.schemas.objects import State
from prefect.states import Completed

from migration.ledger.decisions import DecisionName
from tasks.decide import keep_decision
from tasks.verbs import verb


@verb
def decide(name: DecisionName, value: str, approved_by: str, reason: str) -> State:
    """Keep a decision in the ledger; every later plan, run and view reads it there. The phase does not change; nothing is locked.

    Args:
        name: Which choice. carry_columns takes legacy columns beyond the mapping, separated by commas, or `none`; accept_exposure
            `user_gained` if users may come to see artworks of their own e-mail that had no owner, `user_gained,user_changed` if owners
            may change too, or `none`; in_flight_age an interval like `15 minutes`; max_quarantined a number; function_roles the roles
            that may call the lifecycle functions, separated by commas; accept_drift what may differ at the legacy table since
            deploy_schema, in the words of the refusal, separated by commas, or `none`; clear_rejected_write the id of an artwork whose
            refused write was dealt with: from then on the clean row is again what the legacy row is; no_archive `accepted`;
            remove_test_data and remove_ownerless_users `yes`. The last three are read by clean_up, and `no` takes them back.
        value: The choice.
        approved_by: Who decides.
        reason: Why.
    """
    kept = keep_decision(name, value, approved_by, reason)
    return Completed(message=f"{kept} It holds from now on. A plan made before has another number now.")

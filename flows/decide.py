"""An operator's choice, recorded in the ledger with who made it and why."""

from prefect.client.schemas.objects import State
from prefect.states import Completed

from migration.ledger.decisions import DecisionName
from tasks.decide import keep_decision
from tasks.verbs import verb


@verb
def decide(name: DecisionName, value: str, approved_by: str, reason: str, database: str = "") -> State:
    """Record a decision in the ledger, where every later plan, run and view reads it. The phase does not change; nothing is locked.

    Args:
        name: Which decision. carry_columns takes legacy columns beyond the mapping, separated by commas, or `none`. accept_exposure takes
            `user_gained` if users may see artworks with their own e-mail that had no owner, `user_gained,user_changed` if owners may change
            too, or `none`. accept_users_access and accept_chosen_emails take roles that may read or change other users, or choose their
            e-mail; accept_users_triggers takes triggers of users that may fire. accept_references_without_key takes columns like
            `public.orders.artwork_id` whose rows may lose their artwork. accept_rejected_artworks takes `yes` if legacy may reject new
            artworks of the clean side. in_flight_age takes an interval like `15 minutes`. max_quarantined and max_left_behind take a number
            of rows. allow_empty takes `yes` if there may be nothing to migrate, ordered_test_data takes `migrate` if test data that an
            order references is migrated; `no` revokes them. function_roles takes the roles that may call the lifecycle functions, separated
            by commas. serve_old_names takes `yes` if the schema legacy_names shall serve code that is not changed, or `no`. accept_drift
            takes what may differ from the deployment, as the refusal names it, separated by commas, or `none`. clear_rejected_write takes
            the ids of artworks whose rejected writes are resolved, separated by commas, or `all` and the name of what rejected them; from
            then on the clean rows follow the legacy rows again. accept_rejected_writes takes the ids of artworks whose values may stay
            behind at a roll back, separated by commas, `all`, or `none`. no_archive takes `accepted`, remove_test_data and
            remove_ownerless_users take `yes`; clean-up reads these three, and `no` revokes them. waive_readings takes the readings that no
            run waits for, as the message of the wait names them, separated by commas, or `none`. quiet_time takes an interval above zero:
            for how long no statement may have named what vanishes at the switch. waive_readiness takes `switch-over` or `clean-up`, or both
            separated by commas, if that verb need not wait for it, or `none`. reviewed takes the number of a run whose report you
            have read; the report names you when it is written again.
        value: The value of the decision.
        approved_by: Who decides.
        reason: Why.
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    kept = keep_decision(name, value, approved_by, reason)
    if name is DecisionName.REVIEWED:
        return Completed(message=f"{kept} The report names it when it is written again: `artwork-migration report`.")
    return Completed(message=f"{kept} It applies from now on. Plans made before get a new number.")

"""The life cycle in its order, as far as it needs no person."""

from collections.abc import Callable
from functools import partial

from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.clean_up import clean_up
from flows.deploy_schema import deploy_schema
from flows.migrate_data import migrate_data
from flows.roll_back import roll_back
from flows.switch_over import switch_over
from flows.verify import verify
from migration.ledger.phases import Phase
from migration.plans.plan import serving
from reporting.status import Status
from tasks.standing import where_it_stands
from tasks.verbs import ended_like, verb

Step = Callable[[], State]

#: What a killed run has left to do after its commit is done by the same verb, without a number.
_AGAIN: dict[str, Step] = {
    "switch_over": partial(switch_over, return_state=True),
    "roll_back": partial(roll_back, to="MIGRATED", return_state=True),
    "clean_up": partial(clean_up, return_state=True),
}
_NEXT: dict[Phase, tuple[Step, ...]] = {
    Phase.NOT_STARTED: (partial(deploy_schema, return_state=True),),
    Phase.DEPLOYED: (partial(migrate_data, return_state=True), partial(switch_over, return_state=True)),
    Phase.MIGRATED: (partial(migrate_data, return_state=True), partial(switch_over, return_state=True)),
    Phase.SWITCHED: (partial(verify, return_state=True), partial(clean_up, return_state=True)),
    Phase.CLEANED: (),
}


@verb
def run_migration() -> State:
    """Do what needs no person, and stop where one is needed: at the next plan, at a red gate, while the safety window is open.

    NOT_STARTED: plans deploy_schema. DEPLOYED and MIGRATED: runs migrate_data, plans switch_over. SWITCHED: runs verify and, once the
    safety window is over, plans clean_up. CLEANED: nothing is left. What a killed run has left to do after its commit comes first. It
    ends as the last of these verbs ended; each is a run of its own and takes the lock, this one takes none.
    """
    state = None
    for step in _steps(where_it_stands()):
        state = step()
        if state.name != "Completed":
            break
    return ended_like(state) if state else Completed(message=f"Nothing is left to do. {serving(Phase.CLEANED)}")


def _steps(status: Status) -> list[Step]:
    again = [_AGAIN[name] for name in status.verbs_with_steps_left]
    following = _NEXT[status.phase.phase]
    if status.window and not status.window.over:
        following = following[:1]
    return [*again, *following]

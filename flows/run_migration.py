"""The flow run_migration, which runs the other verbs in the order of the life cycle."""

from collections.abc import Callable
from functools import partial

from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import end_of
from migration.ledger.phases import VERBS, Phase, Verb, verbs_from
from migration.plans.plan import serving
from reporting.status import Status
from tasks.ends import kind_of_end
from tasks.run_names import add_to_name
from tasks.steps import in_flow
from tasks.verbs import current_status, ended_like, verb


@verb
def run_migration(database: str = "") -> State:
    """Run every step that needs no approval; stop at the first that does, at a red gate, and while the safety window is open.

    NOT_STARTED: plans deploy-schema. DEPLOYED and MIGRATED: runs migrate-data, plans switch-over. SWITCHED: runs verify and, after the
    safety window, plans clean-up. CLEANED: nothing is left. Steps that a killed run has left after its commit come first. The run ends as
    the last of these verbs ended. Each verb is a run of its own and takes the lock; this run takes none.

    Args:
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    state = None
    for step in _verbs_to_run(current_status()):
        add_to_name(step.name)
        state = _started(step, database)()
        if kind_of_end(state) != "Completed":
            break
    return ended_like(state) if state else Completed(message=f"Nothing is left to do. {serving(Phase.CLEANED)}")


def _started(verb: Verb, database: str) -> Callable[[], State]:
    target = {"to": str(verb.brings)} if verb.takes_target else {}
    return partial(end_of, verb.name, recorded=in_flow(), database=database, **target)


def _verbs_to_run(status: Status) -> list[Verb]:
    """Return the verbs that a killed run left unfinished, then those that follow; of these only the first in an open safety window."""
    unfinished = [verb for verb in VERBS if verb.resumes and verb.name in status.verbs_with_steps_left]
    following = verbs_from(status.phase.phase)
    return [*unfinished, *(following[:1] if status.window and not status.window.over else following)]

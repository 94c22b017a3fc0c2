"""The flow resume, which ends a pause."""

from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.pausing import end_pause
from tasks.verbs import verb


@verb
def resume(approved_by: str, reason: str, database: str = "") -> State:
    """End the pause: a run that waits for it continues within seconds. The phase does not change; nothing is locked.

    Args:
        approved_by: Who resumes; kept in the ledger.
        reason: Why now; kept in the ledger.
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    return Completed(message=end_pause(approved_by, reason))

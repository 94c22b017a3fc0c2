"""The flow pause, after which runs wait between two batches."""

from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.pausing import keep_pause
from tasks.verbs import verb


@verb
def pause(approved_by: str, reason: str, database: str = "") -> State:
    """Let the run at work wait before its next chunk or batch, and every later run too, until `resume`. Nothing is cancelled or undone.

    The phase does not change; nothing is locked. While a run waits, it has no open transaction, and the application keeps working. A run
    that has waited for `ARTWORK_LONGEST_WAIT_SECONDS` ends, and the pause ends with it.

    Args:
        approved_by: Who pauses; kept in the ledger.
        reason: Why; kept in the ledger, and shown by the run that waits.
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    return Completed(message=keep_pause(approved_by, reason))

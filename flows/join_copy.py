"""The flow join_copy, with which another worker copies chunks for a run of migrate_data."""

from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.copying import copy_chunks
from tasks.verbs import joining, verb


@verb
def join_copy(database: str = "") -> State:
    """Copy chunks beside the run of migrate-data that is copying, from this machine too. Start it on as many workers as you like.

    The phase does not change. It locks what migrate-data locks for a chunk, and blocks no write of the application. It ends when no chunk
    is left, or when migrate-data has ended. Killed, it leaves its chunks to the others. If nothing is being copied, it is refused.

    Args:
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    with joining() as run:
        run.require_phase()
        run.join()
        copied = copy_chunks(run)
        return Completed(message=f"{copied} rows were copied for the run {run.joined}; `artwork-migration status` shows how far it is.")

"""The steps of `pause` and `resume`, which take no lock of a run: they are for the run that holds it."""

from collections.abc import Callable

from sqlalchemy import Connection

from migration.errors import BadInput
from migration.ledger import ledger
from migration.ledger.runs import require_layout
from tasks.artifacts import publish_status
from tasks.verbs import open_database


def keep_pause(approved_by: str, reason: str) -> str:
    """Record a pause. Returns the sentence that reports it. Raises BadInput without a name or a reason, or if it is paused already."""

    def keep(connection: Connection) -> str:
        require_layout(connection, "pause")
        if not ledger.exists(connection):
            raise _refused("Nothing has been deployed, so there is nothing to pause.", "run deploy-schema first.")
        if pause := ledger.pause_in_force(connection):
            raise _refused(f"The migration is already {pause}.", "run `artwork-migration run resume` when the reason is gone.")
        ledger.pause(connection, approved_by=approved_by.strip(), reason=reason.strip())
        return (
            "The migration is paused. A run at work waits before its next chunk or batch; `artwork-migration status` shows when it does. "
            "To continue: `artwork-migration run resume --approved-by NAME --reason WHY`"
        )

    return _written("pausing", keep, approved_by, reason)


def end_pause(approved_by: str, reason: str) -> str:
    """End the pause in force. Returns the sentence that reports it. Raises BadInput without a name or a reason, or if there is none."""

    def end(connection: Connection) -> str:
        require_layout(connection, "resume")
        if ledger.pause_in_force(connection) is None:
            raise _refused("The migration is not paused.", "`artwork-migration status` shows what a run waits for.")
        ledger.resume(connection, approved_by=approved_by.strip(), reason=reason.strip())
        return "The pause has ended. A run that waited for it continues within seconds."

    return _written("resuming", end, approved_by, reason)


def _written(action: str, work: Callable[[Connection], str], approved_by: str, reason: str) -> str:
    if not approved_by.strip() or not reason.strip():
        raise _refused(f"{action.capitalize()} requires approved_by and reason.", "give who does it, and why.")
    database, _ = open_database(action)
    try:
        return database.write(action, work)
    finally:
        publish_status(database)
        database.dispose()


def _refused(problem: str, fix: str) -> BadInput:
    return BadInput(f"{problem} Nothing was changed. To fix: {fix}")

"""Catch-up: make the clean rows what the legacy rows are now, batch by batch, until the log is drained."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from migration import runs
from migration.runs import Run


@dataclass
class CaughtUp:
    """What a catch-up did: ids taken from the log, users created, clean rows removed and written, batches."""

    logged: int = 0
    users_created: int = 0
    removed: int = 0
    written: int = 0
    batches: int = 0


def catch_up(run: Run) -> CaughtUp:
    """Apply the log until a batch finds less than it could take: on a live database the log is never empty for long.

    Raises Overtaken or RunInProgress. Locks the fence, and the clean rows of a batch in id order; never a legacy row.
    """
    total = CaughtUp()
    while True:
        batch = run.database.write("catching up", lambda connection: _batch(run, connection))
        total.batches += 1
        for name, amount in batch.items():
            setattr(total, name, getattr(total, name) + amount)
        if batch["logged"] < run.settings.batch_size:
            return total


def _batch(run: Run, connection: Connection) -> dict[str, int]:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    question = text("SELECT * FROM artwork_migration.catch_up_batch(:batch_size)")
    return dict(connection.execute(question, {"batch_size": run.settings.batch_size}).mappings().one())

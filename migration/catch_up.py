"""Catch-up: make the clean rows what the legacy rows are now, batch by batch, until the log is drained."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from migration import runs
from migration.runs import Run

#: Batches with less than they could take, one after the other, after which the log counts as drained.
SMALL_BATCHES = 3


@dataclass
class CaughtUp:
    """What a catch-up did: ids taken from the log, users created, clean rows removed and written, batches."""

    logged: int = 0
    users_created: int = 0
    removed: int = 0
    written: int = 0
    batches: int = 0


def catch_up(run: Run) -> CaughtUp:
    """Apply the log until it is empty, or on a live database, where it never is for long, until three batches in a row were small.

    Raises Overtaken or RunInProgress. Locks the fence, and the clean rows of a batch in id order; never a
    legacy row.
    """
    total = CaughtUp()
    small = 0
    while True:
        batch = run.database.write("catching up", lambda connection: _batch(run, connection))
        total.batches += 1
        for name, amount in batch.items():
            setattr(total, name, getattr(total, name) + amount)
        small = small + 1 if batch["logged"] < run.settings.batch_size else 0
        if batch["logged"] == 0 or small == SMALL_BATCHES:
            return total


def vacuum_log(run: Run) -> None:
    """Make the drained log small again, before autovacuum comes to it. What somebody has locked is left to autovacuum; nobody waits.

    The empty end is cut off under ACCESS EXCLUSIVE only if that is free for a moment, and the lock is given up as soon as anybody waits for
    it. Not before a switch: trying for it may take seconds, in which the log fills.
    """
    with run.database.autocommit("vacuuming the log") as connection:
        connection.exec_driver_sql("VACUUM (SKIP_LOCKED) artwork_migration.legacy_change, artwork_migration.rekeyed_artwork")


def _batch(run: Run, connection: Connection) -> dict[str, int]:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    question = text("SELECT * FROM artwork_migration.catch_up_batch(:batch_size)")
    return dict(connection.execute(question, {"batch_size": run.settings.batch_size}).mappings().one())

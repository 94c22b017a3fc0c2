"""Catch-up: make the clean rows what the legacy rows are now, batch by batch, until the log is drained."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text

from migration.ledger import runs
from migration.ledger.runs import Run

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

    def add(self, amounts: Mapping[str, int]) -> None:
        """Add what a batch, or another catch-up, did."""
        for name, amount in amounts.items():
            setattr(self, name, getattr(self, name) + amount)


def catch_up(run: Run) -> CaughtUp:
    """Apply the log until it is empty, or on a live database, where it never is for long, until three batches in a row were small.

    Raises Overtaken or RunInProgress. Locks the fence, and the clean rows of a batch in id order; never a legacy row.
    """
    total = CaughtUp()
    small = 0
    while True:
        batch = run.database.write("catching up", lambda connection: _batch(run, connection))
        total.add({**batch, "batches": 1})
        small = small + 1 if batch["logged"] < run.settings.batch_size else 0
        if batch["logged"] == 0 or small == SMALL_BATCHES:
            return total


def drain(run: Run) -> CaughtUp:
    """Catch up and leave the log small on disk, before autovacuum comes to it.

    In two rounds: what the application writes during the first stands at the log's end, and nothing before it can be cut off; from then on
    there is room further in front. Not before a switch: the VACUUM may take seconds, in which the log fills.
    """
    total = CaughtUp()
    for _ in range(2):
        total.add(asdict(catch_up(run)))
        _vacuum_log(run)
    return total


def _vacuum_log(run: Run) -> None:
    """Nobody waits for it: a table that somebody has locked is left to autovacuum. Its end is cut off under ACCESS EXCLUSIVE only if that
    is free for a moment, and the lock is given up as soon as anybody waits for it."""
    with run.database.autocommit("vacuuming the log") as connection:
        connection.exec_driver_sql("VACUUM (SKIP_LOCKED) artwork_migration.legacy_change, artwork_migration.key_change")


def _batch(run: Run, connection: Connection) -> dict[str, int]:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    question = text("SELECT * FROM artwork_migration.catch_up_batch(:batch_size)")
    return dict(connection.execute(question, {"batch_size": run.settings.batch_size}).mappings().one())

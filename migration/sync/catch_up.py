"""Catch-up: it brings the clean rows up to date with the legacy rows whose ids are in the log, batch by batch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text

from migration.ledger import runs
from migration.ledger.runs import Run

#: The number of batches in a row that are not full, after which the log counts as drained.
SMALL_BATCHES = 3


@dataclass
class CaughtUp:
    """The counts of a catch-up: ids taken from the log, users created, clean rows removed and written, batches."""

    logged: int = 0
    users_created: int = 0
    removed: int = 0
    written: int = 0
    batches: int = 0

    def add(self, amounts: Mapping[str, int]) -> None:
        """Add the counts of a batch or of another catch-up."""
        for name, amount in amounts.items():
            setattr(self, name, getattr(self, name) + amount)


def catch_up(run: Run) -> CaughtUp:
    """Apply the log until it is empty, or until three batches in a row are not full: on a live database it is never empty for long.

    Returns the counts. Locks the fence, and the clean rows of a batch in the order of their ids; never a legacy row. Raises Overtaken or
    RunInProgress.
    """
    total = CaughtUp()
    small = 0
    while True:
        batch = run.database.write("catching up", lambda connection: _batch(run, connection), application_code=True)
        total.add({**batch, "batches": 1})
        small = small + 1 if batch["logged"] < run.settings.batch_size else 0
        if batch["logged"] == 0 or small == SMALL_BATCHES:
            return total


def drain(run: Run) -> CaughtUp:
    """Catch up, and vacuum the log so that it is small on disk without waiting for autovacuum. Returns the counts.

    It takes two rounds. VACUUM can only truncate free space at the end of the log, where the application writes during the first round;
    in the second round it writes into the free space before. Before a switch this is not done: VACUUM may take seconds, and the log grows.
    """
    total = CaughtUp()
    for _ in range(2):
        total.add(asdict(catch_up(run)))
        _vacuum_log(run)
    return total


def _vacuum_log(run: Run) -> None:
    """Vacuum the log. No session waits for it: VACUUM skips a locked table, and gives up ACCESS EXCLUSIVE as soon as a session waits."""
    with run.database.autocommit("vacuuming the log") as connection:
        connection.exec_driver_sql("VACUUM (SKIP_LOCKED) artwork_migration.legacy_change, artwork_migration.key_change")


def _batch(run: Run, connection: Connection) -> dict[str, int]:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    question = text("SELECT * FROM artwork_migration.catch_up_batch(:batch_size)")
    return dict(connection.execute(question, {"batch_size": run.settings.batch_size}).mappings().one())

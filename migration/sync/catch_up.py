"""Catch-up: it brings the clean rows up to date with the legacy rows whose ids are in the log, batch by batch."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from migration.database import backoff
from migration.ledger import runs
from migration.ledger.runs import Run
from migration.lock_errors import RowsLocked
from migration.sync.pace import Backlog, Pace

#: The number of batches in a row that are not full, after which the log counts as drained.
SMALL_BATCHES = 3
#: The tables whose rows a batch locks.
LOCKED = ("public.artworks_v2", "public.users")


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


def catch_up(run: Run, *, in_flight: bool = False) -> CaughtUp:
    """Apply the log until it is empty, or until three batches in a row are not full: on a live database it is never empty for long.

    With `in_flight`, artworks in flight are migrated too. It also ends, with a warning, when the log does not become shorter. Returns the
    counts. Locks the fence, the owners and the clean rows of a batch; never a legacy row, and no row that another session has locked: that
    one is left to a later batch. Raises RowsLocked if other sessions keep all that is left, Overtaken or RunInProgress.
    """
    total = CaughtUp()
    pace, backlog = Pace(run.settings.batch_size), Backlog(run, lambda: resolve(run))
    small = stuck = 0
    run.progress.expect(backlog.left, "ids")
    while stuck or not backlog.is_to_be_left():
        size = pace.size
        batch = pace.write(run, "catching up", partial(_batch, in_flight=in_flight))
        waiting = batch.pop("waiting")
        total.add({**batch, "batches": 1})
        run.progress.add(batch["logged"])
        if waiting:
            pace.shrink()
            stuck += 1
            if stuck == run.database.attempts:
                raise RowsLocked(str(run.verb), sorted(map(str, waiting)), run.database.lock_holders(LOCKED, row_locks=True))
            time.sleep(backoff(stuck))
            continue
        stuck = 0
        small = small + 1 if batch["logged"] < size else 0
        if batch["logged"] == 0 or small == SMALL_BATCHES:
            return total
        if small:
            resolve(run)
    return total


def drain(run: Run) -> CaughtUp:
    """Catch up, and vacuum the log so that it is small on disk without waiting for autovacuum. Returns the counts.

    It takes two rounds. VACUUM can only truncate free space at the end of the log, where the application writes during the first round;
    in the second round it writes into the free space before. Before a switch this is not done: VACUUM may take seconds, and the log grows.
    """
    total = CaughtUp()
    for _ in range(2):
        total.add(asdict(catch_up(run)))
        if run.log_is_left:
            break
        with run.progress.step("vacuum the log"):
            _vacuum_log(run)
    return total


def _vacuum_log(run: Run) -> None:
    """Vacuum the log. No session waits for it: VACUUM skips a locked table, and gives up ACCESS EXCLUSIVE as soon as a session waits."""
    with run.database.autocommit("vacuuming the log") as connection:
        connection.exec_driver_sql(
            "VACUUM (SKIP_LOCKED) artwork_migration.legacy_change, artwork_migration.indirect_change, artwork_migration.key_change"
        )


def resolve(run: Run) -> int:
    """Log the artworks of e-mails and of truncated tables, so that no e-mail is kept. Returns how many ids are in the log.

    It locks no row of the application, so it has no time limit.
    """

    def work(connection: Connection) -> int:
        runs.enter_fence(connection, run.epoch, exclusively=True)
        connection.exec_driver_sql("SELECT artwork_migration.resolve_indirect_changes()")
        return int(connection.execute(text("SELECT COALESCE(SUM(CARDINALITY(ids)), 0) FROM artwork_migration.legacy_change")).scalar_one())

    return run.database.write("finding the artworks of changed users", work)


def _batch(run: Run, connection: Connection, size: int, *, in_flight: bool) -> dict[str, Any]:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    question = text("SELECT * FROM artwork_migration.catch_up_batch(:batch_size, :in_flight)")
    return dict(connection.execute(question, {"batch_size": size, "in_flight": in_flight}).mappings().one())

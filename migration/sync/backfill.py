"""The first copy: quarantine, users, chunks by block range behind the fence, and the rows that are still missing after it."""

import math
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from migration import database
from migration.driver_errors import TOO_MANY_CONNECTIONS
from migration.errors import DatabaseError, Overtaken, UsersRefused
from migration.ledger import runs
from migration.ledger.runs import Run
from migration.sync import throttle
from migration.sync.counted import LEGACY, expect_copy, expect_rows
from migration.sync.pace import Pace

#: E-mails in a batch, at most. A sign-up with one of them waits for the commit.
USERS_IN_A_BATCH = 5_000
#: The smallest chunk is this part of the table. Each chunk also reads what is read once for all its rows, all users above all, which takes
#: some 1.5 % of the time of the whole copy: with more chunks for a larger table the copy would be quadratic.
MOST_CHUNKS = 32
#: Seconds after which a run looks for chunks again when all that are left are claimed.
ALL_CLAIMED = 0.2
#: As many users may be refused whatever was created: their artworks go to quarantine.
SOME_REFUSED = 100


@dataclass(frozen=True)
class ChunkCopied:
    """A chunk that was copied: its rows, and how many of all `chunks` are `done`. `fitting` is how many blocks it should have had."""

    copied: int
    done: int
    chunks: int
    blocks: int
    fitting: int


def find_quarantined(run: Run) -> int:
    """List every eligible row that the clean table cannot take, with the reason. Returns how many. Locks ACCESS SHARE."""

    def find(connection: Connection) -> int:
        database.run(connection, "migrate_data/find_quarantined")
        return int(connection.execute(text("SELECT COUNT(*) FROM artwork_migration.quarantine")).scalar_one())

    expect_rows(run, LEGACY, share=0.75)  # then it sorts them by token
    return run.database.write("finding quarantined rows", find)


def create_users(run: Run) -> int:
    """Create an anonymous user for every e-mail without a user, in batches. Returns how many.

    The artworks of a user that the table refuses go to quarantine. Locks ROW EXCLUSIVE on users; a sign-up with an e-mail of the batch
    waits for its commit. Raises UsersRefused if the table refuses nearly every user.
    """
    with run.progress.step("collect e-mails"):
        expect_rows(run, LEGACY, share=0.55)  # then it sorts and writes them
        run.database.write("collecting e-mails", lambda connection: database.run(connection, "migrate_data/collect_emails"))
    run.progress.expect(run.database.read("progress/waiting_emails")[0]["known"], "e-mails")
    created = failed = 0
    pace = Pace(USERS_IN_A_BATCH)
    while batch := pace.write(run, "creating users", _create_batch, applying=True):
        created += batch[0]["created"]
        failed += batch[0]["failed"]
        run.progress.add(batch[0]["created"] + batch[0]["failed"])
        _require_users(run, failed, batch[0]["refusal"])
    if failed:
        run.database.write("finding artworks without a user", lambda connection: database.run(connection, "migrate_data/find_without_user"))
    return created


def plan_chunks(run: Run) -> int:
    """Divide the legacy table into chunks, unless there are chunks of the same table file. Returns how many are left to copy."""

    def plan(connection: Connection) -> int:
        if not database.run(connection, "migrate_data/chunks_hold").scalar_one():
            connection.execute(text("DELETE FROM artwork_migration.chunk"))
            database.run(connection, "migrate_data/plan_chunks", run=run.epoch, blocks=run.settings.chunk_blocks, most=MOST_CHUNKS)
        database.run(connection, "migrate_data/take_chunks", run=run.epoch)
        return int(connection.execute(text("SELECT COUNT(*) FROM artwork_migration.chunk WHERE done_at IS NULL")).scalar_one())

    return run.database.write("planning chunks", plan)


def chunks_left(run: Run) -> int:
    """Return how many chunks are left to copy, for which the run that leads divides the table if necessary.

    For a run that has joined it: 0 as well when the run that leads has ended.
    """
    if not run.joined:
        return plan_chunks(run)
    with run.database.transaction("looking for chunks", transaction_read_only="on") as connection:
        return _left_to_join(run, connection)


def _left_to_join(run: Run, connection: Connection) -> int:
    copy = runs.copy_at_work(connection)
    return copy.chunks_left if copy and copy.run == run.epoch else 0


def copy_chunks(run: Run) -> Iterator[ChunkCopied]:
    """Copy the chunks, each in a transaction of its own, over `copy_connections` connections, and yield each when it is done.

    It ends when no chunk is left, so it waits for those that other runs are copying, and copies them if such a run is killed. A table that
    was rewritten meanwhile is divided again. No chunk begins while the caller has one. If the server has no further connection, those that
    there are go on. Locks ROW EXCLUSIVE on artworks_v2, ACCESS SHARE on artworks. Raises Overtaken if a newer run has begun.
    """
    expect_copy(run)
    with run.database.threads(run.settings.copy_connections) as pool:

        def begin() -> "Future[ChunkCopied | None]":
            throttle.may_continue(run)
            return pool.submit(_copy_next, run)

        while True:
            copying = {begin() for _ in range(run.settings.copy_connections)}
            idle = True
            while copying:
                done, copying = wait(copying, return_when=FIRST_COMPLETED)
                for future in done:
                    chunk = _copied(future)
                    if chunk is not None:
                        idle = False
                        yield chunk
                        _divide(run, chunk)
                        # also for those that found every chunk claimed, or being divided
                        copying |= {begin() for _ in range(run.settings.copy_connections - len(copying))}
            if chunks_left(run) == 0:
                return
            if idle:
                time.sleep(ALL_CLAIMED)


def _divide(run: Run, chunk: ChunkCopied) -> None:
    """Divide the chunks that are left if this one took longer than twice `chunk_seconds`."""
    if chunk.blocks >= 2 * chunk.fitting:

        def divide(connection: Connection) -> None:
            runs.enter_fence(connection, run.epoch, exclusively=False)
            database.run(connection, "migrate_data/divide_chunks", blocks=chunk.fitting)

        run.database.write("dividing chunks", divide)


def _copy_next(run: Run) -> ChunkCopied | None:
    try:
        return run.database.write("copying a chunk", lambda connection: copy_chunk(run, connection), applying=True)
    except Overtaken:
        if run.joined:  # the run that led has ended, and so does this one
            return None
        raise


def _copied(future: "Future[ChunkCopied | None]") -> ChunkCopied | None:
    """Return the chunk; None if there was none left, or no connection for it: it is left to the others, or to the next attempt."""
    try:
        return future.result()
    except DatabaseError as error:
        if error.sqlstate != TOO_MANY_CONNECTIONS:
            raise
        return None


def copy_chunk(run: Run, connection: Connection) -> ChunkCopied | None:
    """Copy the next chunk behind the shared fence. Returns None if none is left that nobody copies, or the run that leads has ended.

    If its blocks belong to another table file by now, it is not done, and nobody copies the others: the table is divided again.
    """
    runs.enter_fence(connection, run.epoch, exclusively=False)
    if run.joined and not _left_to_join(run, connection):
        return None
    claimed = database.rows(connection, "migrate_data/claim_chunk")
    if not claimed:
        return None
    chunk = claimed[0]
    begun = time.monotonic()
    end = f"({chunk['end_block']},0)" if chunk["end_block"] is not None else "(4294967295,0)"
    copied = connection.execute(
        text("SELECT artwork_migration.copy_block_range(CAST(:first AS tid), CAST(:end AS tid))"),
        {"first": f"({chunk['first_block']},0)", "end": end},
    ).scalar_one()
    if not database.run(connection, "migrate_data/finish_chunk", number=chunk["number"], copied=copied, run=run.epoch).rowcount:
        return None
    counts = connection.execute(text("SELECT COUNT(*) AS chunks, COUNT(done_at) AS done FROM artwork_migration.chunk")).mappings().one()
    aim = chunk["blocks"] * run.settings.chunk_seconds / (time.monotonic() - begun)
    fitting = math.ceil(max(aim, chunk["table_blocks"] / MOST_CHUNKS, 1))
    return ChunkCopied(copied, counts["done"], counts["chunks"], chunk["blocks"], fitting)


def log_missing(run: Run) -> int:
    """Log every row that should be in the clean table and is not, so that catch-up writes it. Returns the number of ids in the log."""

    def log(connection: Connection) -> int:
        database.run(connection, "migrate_data/log_missing")
        return int(connection.execute(text("SELECT COALESCE(SUM(CARDINALITY(ids)), 0) FROM artwork_migration.legacy_change")).scalar_one())

    expect_rows(run, LEGACY)
    return run.database.write("logging missing rows", log)


def _require_users(run: Run, failed: int, refusal: str | None) -> None:
    """Raise UsersRefused if far more users were refused than were ever created: the cause is the table then, and not an e-mail."""
    if failed < SOME_REFUSED:
        return
    with run.database.transaction("counting created users") as connection:
        created = connection.execute(text("SELECT COUNT(*) FROM artwork_migration.created_user")).scalar_one()
    if failed > 9 * created:
        raise UsersRefused(failed, created, refusal or "")


def _create_batch(run: Run, connection: Connection, size: int) -> list[dict[str, Any]]:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    return database.rows(connection, "migrate_data/create_users", batch_size=size)

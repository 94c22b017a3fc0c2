"""One writer at a time, also when a client has died and its backend has not: the lock, the fence and the epoch."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text

from migration.database import Database
from migration.errors import Overtaken, RunInProgress
from migration.ledger.phases import MIGRATE_DATA
from migration.ledger.runs import Run
from migration.settings import database_url
from migration.sync import backfill, catch_up
from tests.artworks import add_legacy, clean, legacy, logged, verdict
from tests.databases import SETTINGS, Shop, catch_up_now, running
from tests.interleaving import break_function
from tests.series import LONG


@contextmanager
def _run_without_a_lock(shop: Shop, name: str) -> Iterator[Run]:
    """A run whose session lock is gone, as when a NAT has cut the idle connection that held it: only the fence is left."""
    with _database(shop, name) as database:
        run = Run(database, SETTINGS, verb=MIGRATE_DATA, name=name, run_id="")
        run.begin()
        yield run


@contextmanager
def _database(shop: Shop, name: str) -> Iterator[Database]:
    database = Database(database_url(shop.url), name=name)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _chunk_open(run: Run) -> Iterator[Connection]:
    """A chunk that is copied and not committed yet."""
    backfill.plan_chunks(run)
    with run.database.transaction("copying a chunk", **{"artwork_migration.apply": "on"}) as connection:
        assert backfill.copy_chunk(run, connection) is not None
        yield connection


def test_a_chunk_whose_run_lost_its_lock_keeps_the_next_run_out(deployed: Shop) -> None:
    """A chunk that is open after its run lost the lock refuses a new run by name, because it holds the fence itself."""
    with _run_without_a_lock(deployed, "cut-off-run") as run, _chunk_open(run):
        with pytest.raises(RunInProgress) as refused:
            catch_up_now(deployed)
        assert ("cut-off-run",) == refused.value.holders
    catch_up_now(deployed)


def test_an_overtaken_run_may_not_write_any_more(deployed: Shop) -> None:
    """A newer run's epoch refuses the older run's next chunk, users and catch-up."""
    with _run_without_a_lock(deployed, "older-run") as older:
        backfill.plan_chunks(older)
        with running(deployed) as newer:
            newer.begin()
        for write in (lambda: next(backfill.copy_chunks(older)), lambda: catch_up.catch_up(older), lambda: backfill.create_users(older)):
            with pytest.raises(Overtaken) as overtaken:
                write()
            assert f"run {older.epoch} was overtaken by run {newer.epoch}" in str(overtaken.value)
    assert 0 == deployed.value("SELECT COUNT(*) FROM public.artworks_v2")


def _ghost(shop: Shop) -> tuple[object, object, int]:
    """An artwork deleted while an orphan's chunk is open and a newer run catches up: legacy id, clean id, rows in the log."""
    artwork = add_legacy(shop)
    with _run_without_a_lock(shop, "orphan") as orphan:
        with _chunk_open(orphan) as connection:
            for _ in range(20):  # whichever chunk the artwork is in
                if not connection.execute(text("SELECT COUNT(*) FROM artwork_migration.chunk WHERE done_at IS NULL")).scalar_one():
                    break
                backfill.copy_chunk(orphan, connection)
            shop.sql.execute("DELETE FROM public.artworks WHERE id = %s", (artwork,))
            with _run_without_a_lock(shop, "newer") as newer:
                catch_up.catch_up(newer)
    return legacy(shop, artwork, "id"), clean(shop, artwork, "id"), len(logged(shop))


@LONG
def test_an_orphans_chunk_and_a_catch_up_exclude_each_other(deployed: Shop) -> None:
    """Catch-up cannot begin beside an open chunk, so it cannot consume the deletion of a row that the chunk brings back."""
    with pytest.raises(RunInProgress):
        _ghost(deployed)
    catch_up_now(deployed)
    assert [] == deployed.rows("SELECT id FROM public.artworks_v2 EXCEPT SELECT id FROM public.artworks")


def test_without_the_fence_a_deleted_artwork_comes_back_for_ever(deployed: Shop) -> None:
    """Without the fence an orphan would commit a row that legacy does not have and no log names."""
    break_function(deployed, "artwork_migration.enter_fence", "IF exclusive THEN", "RETURN TRUE; IF exclusive THEN")
    found, ghost, left = _ghost(deployed)
    assert (None, 0) == (found, left)
    assert ghost is not None
    assert "extra" == verdict(deployed, ghost)

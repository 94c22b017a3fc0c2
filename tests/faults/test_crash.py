"""kill -9 at any point, run again: the same end state, and what was done is not done again (law 5)."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.errors import RunInProgress
from migration.sync import backfill
from sample.server import EmbeddedServer
from tests.databases import Shop, migrate
from tests.faults.client import at_work, client, kill
from tests.interleaving import Barrier, Step
from tests.reference_runs import Reference, end_state
from tests.series import EXHAUSTIVE, LONG, first, series
from tests.waiting import BOUND, wait_until

FIRST_FIVE = "SELECT number, first_block, run, copied, begun_at, done_at FROM artwork_migration.chunk WHERE number <= 5 ORDER BY number"
DONE = "SELECT COUNT(done_at) FROM artwork_migration.chunk"

IN_THE_SIXTH_CHUNK = "AFTER INSERT ON public.artworks_v2 FOR EACH STATEMENT"
COMMITTING_A_CHUNK = "AFTER UPDATE ON artwork_migration.chunk DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"

#: Where a run from the start dies: the trigger that stops it there, and how often that is passed before.
IN_THE_BACKFILL = {
    "beginning": ("BEFORE INSERT ON artwork_migration.phase_history FOR EACH STATEMENT", 0),
    "judging quarantine": ("BEFORE INSERT ON artwork_migration.quarantine FOR EACH STATEMENT", 0),
    "collecting e-mails": ("AFTER INSERT ON artwork_migration.waiting_email FOR EACH STATEMENT", 0),
    "creating the second batch of users": ("BEFORE INSERT ON public.users FOR EACH STATEMENT", 1),
    "noting the second batch of users": ("AFTER INSERT ON artwork_migration.created_user FOR EACH STATEMENT", 1),
    "planning chunks": ("AFTER INSERT ON artwork_migration.chunk FOR EACH STATEMENT", 0),
    "before the rows of a chunk": ("BEFORE INSERT ON public.artworks_v2 FOR EACH STATEMENT", 5),
    "among the rows of a chunk": ("BEFORE INSERT ON public.artworks_v2 FOR EACH ROW", 1_250),
    "noting a chunk": ("BEFORE UPDATE ON artwork_migration.chunk FOR EACH STATEMENT", 5),
    "noting the twentieth chunk": ("AFTER UPDATE ON artwork_migration.chunk FOR EACH STATEMENT", 19),
}
#: Where a run dies that has nothing left to copy.
AFTER_THE_BACKFILL = {
    "logging what is missing": ("AFTER INSERT ON artwork_migration.legacy_change FOR EACH STATEMENT", 0),
    "beginning an index": ("AFTER INSERT ON artwork_migration.step FOR EACH STATEMENT", 1),
    "noting an index": ("BEFORE UPDATE ON artwork_migration.step FOR EACH STATEMENT", 1),
    "noting the last step": ("BEFORE UPDATE ON artwork_migration.step FOR EACH STATEMENT", 4),
    "consuming the log": ("AFTER DELETE ON artwork_migration.legacy_change FOR EACH STATEMENT", 1),
    "consuming changed keys": ("AFTER DELETE ON artwork_migration.key_change FOR EACH STATEMENT", 0),
    "creating the users of later writes": ("AFTER INSERT ON artwork_migration.created_user FOR EACH STATEMENT", 0),
    "following a key": ("AFTER UPDATE OF id ON public.artworks_v2 FOR EACH ROW", 3),
    "judging quarantine in catch-up": ("AFTER INSERT ON artwork_migration.quarantine FOR EACH STATEMENT", 2),
    "removing clean rows": ("AFTER DELETE ON public.artworks_v2 FOR EACH ROW", 1),
    "parking tokens": ("AFTER UPDATE OF access_token ON public.artworks_v2 FOR EACH ROW", 2),
    "writing clean rows": ("AFTER UPDATE OF customer_name ON public.artworks_v2 FOR EACH ROW", 175),
    "reconciling": ("AFTER INSERT ON artwork_migration.reconciliation FOR EACH STATEMENT", 0),
    "writing the results": ("AFTER INSERT ON artwork_migration.rule_result FOR EACH STATEMENT", 0),
    "noting the end": ("AFTER UPDATE ON artwork_migration.phase_history FOR EACH STATEMENT", 0),
}


#: The moments that stand for the others in `make test`: one of each kind of work.
REPRESENTATIVES = {
    "creating the second batch of users",
    "among the rows of a chunk",
    "noting a chunk",
    "beginning an index",
    "consuming the log",
    "parking tokens",
    "writing clean rows",
    "noting the end",
}


@pytest.fixture(scope="module")
def deployed_reference(server: EmbeddedServer) -> Iterator[Reference]:
    """Deployed, with writes in the log."""
    reference = Reference(server)
    yield reference
    reference.drop()


@pytest.fixture(scope="module")
def copied_reference(server: EmbeddedServer) -> Iterator[Reference]:
    """Past the backfill, with writes on both sides since."""
    reference = Reference(server, rows=3_250, copied=True)
    yield reference
    reference.drop()


@pytest.fixture
def shop(deployed_reference: Reference) -> Iterator[Shop]:
    """One of them."""
    with deployed_reference.clone() as clone:
        yield clone


@pytest.fixture
def copied_shop(copied_reference: Reference) -> Iterator[Shop]:
    """One of those."""
    with copied_reference.clone() as clone:
        yield clone


def killed_at(shop: Shop, trigger: str, passes: int) -> None:
    """A run that was killed where the trigger stopped it; its backends are gone, and nothing stops the next one."""
    barrier = Barrier(shop, trigger, passes=passes)
    barrier.close()
    with client(shop) as process:
        wait_until(lambda: barrier.reached or not process.is_alive())
        kill(process)
    barrier.open()
    wait_until(lambda: not at_work(shop))


@LONG
def test_two_undisturbed_runs_end_alike(shop: Shop, deployed_reference: Reference) -> None:
    """Two undisturbed runs have the same checksums, one changed value gives another one, and there are more than 20 chunks."""
    migrate(shop)
    assert deployed_reference.undisturbed == end_state(shop)
    assert shop.value(DONE) > 20
    shop.sql.execute("UPDATE public.artworks_v2 SET pet_image_url = 'x' WHERE id = (SELECT MIN(id::text)::uuid FROM public.artworks_v2)")
    assert deployed_reference.undisturbed["clean rows"] != end_state(shop)["clean rows"]


# The client


def test_killed_in_a_chunk(shop: Shop, deployed_reference: Reference) -> None:
    """A client that dies in its sixth chunk loses that chunk only, and the next run ends as an undisturbed one."""
    killed_at(shop, IN_THE_SIXTH_CHUNK, 5)
    before = shop.rows(FIRST_FIVE)
    assert (5, 5) == (len(before), shop.value(DONE))
    migrate(shop)
    assert before == shop.rows(FIRST_FIVE)
    assert deployed_reference.undisturbed == end_state(shop)


@LONG
def test_killed_between_two_chunks(shop: Shop, deployed_reference: Reference) -> None:
    """A client that dies between two chunks, with no transaction open, loses nothing, and the next run ends as an undisturbed one."""
    barrier = Barrier(shop, COMMITTING_A_CHUNK, passes=4)
    barrier.close()
    keeper = shop.session(autocommit=True)
    with client(shop) as process:
        wait_until(lambda: barrier.reached or not process.is_alive())
        fence = Step(shop, lambda: keeper.execute("SELECT PG_ADVISORY_LOCK(1634890865, 2)"), pid=keeper.info.backend_pid)
        fence.blocks()
        barrier.open()
        fence.result()
        kill(process)
    before = shop.rows(FIRST_FIVE)
    assert 5 == shop.value(DONE)
    keeper.close()
    wait_until(lambda: not at_work(shop))
    migrate(shop)
    assert before == shop.rows(FIRST_FIVE)
    assert deployed_reference.undisturbed == end_state(shop)


@pytest.mark.parametrize("moment", series(IN_THE_BACKFILL, REPRESENTATIVES))
@first(1)
def test_killed_on_the_way(shop: Shop, deployed_reference: Reference, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever in the backfill a run was killed, the next one ends as an undisturbed one."""
    monkeypatch.setattr(backfill, "USERS_IN_A_BATCH", 1_000)  # else all users of the sample are one batch
    killed_at(shop, *IN_THE_BACKFILL[moment])
    migrate(shop)
    assert deployed_reference.undisturbed == end_state(shop)


@pytest.mark.parametrize("moment", series(AFTER_THE_BACKFILL, REPRESENTATIVES))
@LONG
def test_killed_after_the_backfill(copied_shop: Shop, copied_reference: Reference, moment: str) -> None:
    """Wherever in catch-up, reconcile or its end a run was killed, the next one ends as an undisturbed one."""
    killed_at(copied_shop, *AFTER_THE_BACKFILL[moment])
    migrate(copied_shop)
    assert copied_reference.undisturbed == end_state(copied_shop)


@LONG
def test_killed_again_and_again(shop: Shop, deployed_reference: Reference) -> None:
    """Runs that are killed at any moment, each a little later than the one before, end together as an undisturbed one."""
    kills, ended = 0, None
    while ended != 0:
        with client(shop) as process:
            wait_until(lambda: at_work(shop) or not process.is_alive())
            process.join(0.05 * (kills + 1))
            process.kill()
            process.join(BOUND)
            ended = process.exitcode
        assert ended in {0, -signal.SIGKILL}
        kills += 1
        wait_until(lambda: not at_work(shop))
    assert kills > 2
    assert deployed_reference.undisturbed == end_state(shop)


# The client, and not its backend


@LONG
@pytest.mark.parametrize(("stop", "chunks"), [(IN_THE_SIXTH_CHUNK, 5), (COMMITTING_A_CHUNK, 6)], ids=["copying", "committing"])
def test_killed_with_its_backend_still_at_work(shop: Shop, deployed_reference: Reference, stop: str, chunks: int) -> None:
    """While a killed client's backend is in a chunk a run is refused; what that backend commits counts, and the rest is copied again."""
    barrier = Barrier(shop, stop, passes=5)
    barrier.close()
    with client(shop) as process:
        wait_until(lambda: barrier.reached or not process.is_alive())
        before = shop.rows(FIRST_FIVE)
        kill(process)
    with pytest.raises(RunInProgress) as refused:
        migrate(shop)
    assert ("doomed-run",) == refused.value.holders
    assert barrier.reached
    barrier.open()
    wait_until(lambda: not at_work(shop))
    assert chunks == shop.value(DONE)
    migrate(shop)
    assert before == shop.rows(FIRST_FIVE)
    assert deployed_reference.undisturbed == end_state(shop)


@LONG
@pytest.mark.parametrize(("ended", "invalid"), [(False, 0), (True, 1)], ids=["finished by its backend", "left invalid"])
def test_killed_while_an_index_is_made(copied_shop: Shop, copied_reference: Reference, ended: bool, invalid: int) -> None:
    """After CREATE INDEX CONCURRENTLY outlived its client or left an invalid index, the next run makes every index valid."""
    writer = copied_shop.session()
    writer.execute("LOCK TABLE public.artworks_v2 IN ROW EXCLUSIVE MODE")
    waiting = (
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'doomed-run' AND query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'"
    )
    with client(copied_shop) as process:
        wait_until(lambda: copied_shop.value(waiting) or not process.is_alive())
        kill(process)
    if ended:
        copied_shop.sql.execute("SELECT PG_TERMINATE_BACKEND(pid, 60000) FROM pg_stat_activity WHERE application_name = 'doomed-run'")
    writer.rollback()
    wait_until(lambda: not at_work(copied_shop))
    assert invalid == copied_shop.value("SELECT COUNT(*) FROM pg_index WHERE indrelid = 'public.artworks_v2'::regclass AND NOT indisvalid")
    migrate(copied_shop)
    assert copied_reference.undisturbed == end_state(copied_shop)


# The server


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """A server that may be killed."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder, EmbeddedServer(Path(folder) / "d", settings={"fsync": "off"}) as it:
        yield it


def kill_server(server: EmbeddedServer) -> None:
    """kill -9 of the postmaster, and a new one on the same data."""
    os.kill(int((server.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    server.stop()
    server.start()


@pytest.mark.parametrize(
    ("copied", "stop", "passes"),
    [
        pytest.param(False, IN_THE_SIXTH_CHUNK, 5, id="copying"),
        pytest.param(True, *AFTER_THE_BACKFILL["writing clean rows"], marks=EXHAUSTIVE, id="catch-up"),
    ],
)
@LONG
def test_the_server_killed(own_server: EmbeddedServer, copied: bool, stop: str, passes: int) -> None:
    """A killed server ends the client with an error; after its recovery the next run ends as an undisturbed one."""
    reference = Reference(own_server, copied=copied)
    undisturbed = reference.undisturbed
    with reference.clone() as shop:
        barrier = Barrier(shop, stop, passes=passes)
        barrier.close()
        with client(shop) as process:
            wait_until(lambda: barrier.reached or not process.is_alive())
            before = shop.rows(FIRST_FIVE)
            kill_server(own_server)
            process.join(BOUND)
            assert 1 == process.exitcode
        recovered = Shop(own_server, shop.name)
        recovered.settings = shop.settings
        migrate(recovered)
        assert before == recovered.rows(FIRST_FIVE)
        assert undisturbed == end_state(recovered)
        recovered.close()

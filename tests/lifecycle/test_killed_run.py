"""The operator's own command killed in the middle of its backfill, and run again."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cli.prefect_server import PrefectServer
from migration.ledger import ledger
from sample.server import EmbeddedServer
from tests.databases import Shop
from tests.interleaving import Barrier
from tests.lifecycle.conftest import environment, point_to
from tests.lifecycle.local_server import PROGRAM
from tests.reference_runs import SMALL, Reference, end_state
from tests.series import EXHAUSTIVE
from tests.waiting import BOUND, wait_until

AFTER_A_CHUNK = "AFTER INSERT ON public.artworks_v2 FOR EACH STATEMENT"
AT_BARRIER = "SELECT COUNT(*) FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.objid = 77 AND NOT l.granted"
CHUNKS = "SELECT number, run, copied, done_at FROM artwork_migration.chunk WHERE done_at IS NOT NULL ORDER BY number"


@pytest.fixture
def reference(server: EmbeddedServer) -> Iterator[Reference]:
    """Databases that are ready for migrate-data, with writes in the log."""
    made = Reference(server)
    yield made
    made.drop()


@contextmanager
def started(prefect_server: PrefectServer, verb: str = "migrate-data", *, connections: int = 1) -> Iterator[subprocess.Popen[str]]:
    """`artwork-migration run …` on the database of the environment."""
    command = [PROGRAM, "run", verb]
    settings = {"ARTWORK_CHUNK_BLOCKS": str(SMALL.chunk_blocks), "ARTWORK_COPY_CONNECTIONS": str(connections), "COLUMNS": "200"}
    variables = {**environment(prefect_server), **settings}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def operated_clone(reference: Reference, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Shop]:
    """A clone that the environment names, with the decisions that let its gates pass."""
    with reference.clone() as shop:
        point_to(shop, monkeypatch, folder)
        with shop.database.transaction("deciding") as connection:
            for name in ("max_quarantined", "max_left_behind"):
                ledger.decide(connection, name, "1000", approved_by="test", reason="test", run_name="test")
        yield shop


def _at_work(shop: Shop) -> bool:
    return bool(shop.value("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name LIKE 'migrate-data run %'"))


@EXHAUSTIVE
def test_the_command_killed_after_its_fifth_chunk(
    reference: Reference, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A command that was killed and is run again ends as if undisturbed, and does not copy its five chunks again."""
    with operated_clone(reference, monkeypatch, tmp_path) as shop:
        barrier = Barrier(shop, AFTER_A_CHUNK, passes=5)
        barrier.close()
        with started(prefect_server) as doomed:
            wait_until(lambda: barrier.reached or doomed.poll() is not None)
            before = shop.rows(CHUNKS)
            os.kill(doomed.pid, signal.SIGKILL)
            assert -signal.SIGKILL == doomed.wait(BOUND)
        assert [1, 2, 3, 4, 5] == [number for number, *_ in before]
        with started(prefect_server) as refused:
            output, _ = refused.communicate(timeout=BOUND)
        assert (5, True) == (refused.returncode, "is running on this database" in output), output[-2000:]
        barrier.open()
        wait_until(lambda: not _at_work(shop))
        with started(prefect_server) as again:
            output, _ = again.communicate(timeout=BOUND)
        assert (0, True) == (again.returncode, "artworks are migrated and agree" in output), output[-2000:]
        assert before == shop.rows(CHUNKS)[:5]
        assert reference.undisturbed == end_state(shop)


@EXHAUSTIVE
@pytest.mark.parametrize("own_server", [False, True])
def test_ctrl_c_says_what_it_means(
    deployed: Shop, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_server: bool
) -> None:
    """After Ctrl-C the message is true, also where it has ended the run's own Prefect server; no chunk is at work or half done."""
    point_to(deployed, monkeypatch, tmp_path)
    barrier = Barrier(deployed)
    barrier.close()
    variables = {**os.environ, "PREFECT_HOME": str(tmp_path)} if own_server else environment(prefect_server)
    command = [PROGRAM, "run", "migrate-data"]
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as run:
        try:
            wait_until(lambda: barrier.reached or run.poll() is not None)
            os.killpg(run.pid, signal.SIGINT)
            output, _ = run.communicate(timeout=BOUND)
        finally:
            run.kill()
    assert (1, True) == (run.returncode, "Interrupted" in output), output[-2000:]
    assert "What was committed before stays" in output
    assert "Nothing was changed" not in output
    assert (False, 0) == (_at_work(deployed), deployed.value("SELECT COUNT(*) FROM public.artworks_v2"))
    barrier.open()


#: Connections of the run that leads, whether it is killed, and how many runs have joined it; the first of these is always killed.
COPIES = {
    "one connection, one of two joined runs killed": (1, False, 2),
    "four connections, the run that leads killed too": (4, True, 2),
}


@EXHAUSTIVE
@pytest.mark.parametrize("case", COPIES)
def test_a_copy_of_several_workers_of_which_one_is_killed(
    case: str, reference: Reference, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Workers that join the copy and are killed in their chunk change nothing of what is there at the end, nor does the run that leads.

    A joined run ends when the copy is over, or the run that leads is killed; then it is refused, until the next run copies.
    """
    connections, leader_killed, joined = COPIES[case]
    with operated_clone(reference, monkeypatch, tmp_path) as shop, ExitStack() as processes:

        def start(verb: str = "migrate-data") -> subprocess.Popen[str]:
            return processes.enter_context(started(prefect_server, verb, connections=connections))

        barrier = Barrier(shop, AFTER_A_CHUNK, passes=2)
        barrier.close()
        leader = start()
        wait_until(lambda: shop.value(AT_BARRIER) == connections or leader.poll() is not None)
        helpers = [start("join-copy") for _ in range(joined)]
        wait_until(lambda: shop.value(AT_BARRIER) == connections * (1 + joined) or None not in {each.poll() for each in helpers})
        doomed = [helpers.pop(0), *([leader] if leader_killed else [])]
        for process in doomed:
            os.kill(process.pid, signal.SIGKILL)
            assert -signal.SIGKILL == process.wait(BOUND)
        barrier.open()
        for helper in helpers:
            output, _ = helper.communicate(timeout=BOUND)
            assert (0, True) == (helper.returncode, " rows were copied for the run " in output), output[-2000:]
        wait_until(lambda: not leader_killed or not _at_work(shop))
        last = start() if leader_killed else leader
        output, _ = last.communicate(timeout=BOUND)
        assert (0, True) == (last.returncode, "artworks are migrated and agree" in output), output[-2000:]
        late = start("join-copy")
        output, _ = late.communicate(timeout=BOUND)
        assert (1, True) == (late.returncode, "join-copy runs in phase DEPLOYED" in output), output[-2000:]
        assert reference.undisturbed == end_state(shop)

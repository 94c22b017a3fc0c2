"""A database or a Prefect server that goes away while a verb runs from the command line: its end is true, and there is no traceback."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from prefect.client.schemas.objects import State

from cli.prefect_outage import own_end
from cli.prefect_server import PrefectServer
from sample.server import EmbeddedServer
from tasks.ends import message
from tasks.verbs import ENDED, verb
from tests.conftest import MakeShop
from tests.databases import Shop
from tests.interleaving import Barrier
from tests.lifecycle.conftest import environment, point_to
from tests.lifecycle.local_server import PROGRAM
from tests.series import EXHAUSTIVE
from tests.waiting import BOUND, wait_until


@pytest.fixture
def deployed(make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shop:
    """A shop with the clean schema beside its table, in the environment of the commands."""
    shop = make_shop(phase="DEPLOYED")
    point_to(shop, monkeypatch, tmp_path)
    return shop


@contextmanager
def copying(shop: Shop, server: PrefectServer) -> Iterator[tuple[subprocess.Popen[str], Barrier]]:
    """`artwork-migration run migrate-data`, stopped in the copy."""
    barrier = Barrier(shop, "AFTER INSERT ON public.artworks_v2 FOR EACH STATEMENT")
    barrier.close()
    command, variables = [PROGRAM, "run", "migrate-data"], {**environment(server), "COLUMNS": "200"}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            wait_until(lambda: barrier.reached or process.poll() is not None)
            yield process, barrier
        finally:
            process.kill()


@EXHAUSTIVE
def test_a_database_that_is_away_for_longer_than_a_step_is_repeated(deployed: Shop, prefect_server: PrefectServer) -> None:
    """The run ends with what is known and exit code 3, and Prefect logs no traceback of the step whose retries are exhausted."""
    name = deployed.name
    with copying(deployed, prefect_server) as (process, _), psycopg.connect(deployed.server.conninfo("postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")  # type: ignore[arg-type]  # this test's own name
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        output, _ = process.communicate(timeout=BOUND)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")  # type: ignore[arg-type]  # as above
    assert 3 == process.returncode, output
    assert "Traceback" not in output
    assert "\nConnection lost\n" in output
    assert "The phase is still DEPLOYED: the legacy table serves as artworks" in output
    assert "run migrate-data again when the database can be reached; it resumes." in output


def test_an_end_that_prefect_does_not_record_says_only_what_is_known() -> None:
    """A run that has not begun has changed nothing; of one that has, whatever stopped it, what was committed before stays."""

    @verb
    def stopped_by_a_defect() -> State:
        raise LookupError

    ENDED.clear()
    assert "the run was not started. Nothing was changed." in message(own_end())
    with pytest.raises(LookupError):
        stopped_by_a_defect.fn()
    assert "What was committed before stays." in message(own_end())
    assert "Nothing was changed" not in message(own_end())


@EXHAUSTIVE
def test_a_prefect_server_that_goes_away(server: EmbeddedServer, deployed: Shop) -> None:
    """The run does all its work without Prefect's API, reports its own end, and shows no traceback."""
    server.create_database("prefect_gone")
    with tempfile.TemporaryDirectory(prefix="prefect") as folder:
        with PrefectServer(server.url("prefect_gone"), Path(folder)) as prefect, copying(deployed, prefect) as (process, barrier):
            prefect.__exit__(None, None, None)
            barrier.open()
            output, _ = process.communicate(timeout=BOUND)
        assert 0 == process.returncode, output
        assert "Traceback" not in output
        assert "the run continues without it" in output
        assert "Completed\n" in output
        assert "artworks are migrated and agree" in output
        assert "its UI does not show this end. The ledger has it." in output
        assert "Completed" == deployed.value("SELECT outcome FROM artwork_migration.phase_history ORDER BY run DESC LIMIT 1")
        not_started = subprocess.run(
            [PROGRAM, "run", "migrate-data"], env=environment(prefect), capture_output=True, text=True, check=False
        )
    assert (1, True) == (not_started.returncode, "the run was not started. Nothing was changed." in not_started.stdout), not_started.stdout
    assert "Traceback" not in not_started.stdout + not_started.stderr
    server.drop_database("prefect_gone")

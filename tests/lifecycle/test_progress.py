"""Progress in Prefect's UI, where a long step is a progress bar among the artifacts of its run, and in another terminal."""

import itertools
import os
import signal
import subprocess
import time

import psycopg
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact

from cli.prefect_server import PrefectServer
from cli.progress import WATCHED_EVERY
from migration.ledger.progress import Progress
from sample.server import EmbeddedServer
from tasks.artifacts import SHOWN_EVERY, progress_shown
from tests.databases import Shop, running
from tests.lifecycle.local_server import PROGRAM
from tests.series import LONG
from tests.waiting import BOUND, wait_until

KEY = "progress-a-step-of-this-test"


def shown(key: str = KEY) -> list[Artifact]:
    """The progress bars of the step."""
    with get_client(sync_client=True) as client:
        return list(client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key]))))


def test_a_long_step_is_a_progress_artifact(prefect_server: PrefectServer) -> None:
    """It has the percentage and the words of the terminal while the step runs, and is full at the end; a short step has none."""
    del prefect_server

    @flow
    def work() -> None:
        progress = Progress()
        with progress_shown(progress):
            with progress.step("quick"):
                pass
            with progress.step("a step of this test"):
                progress.expect(1_000)
                progress.add(400)
                wait_until(lambda: [artifact.data for artifact in shown()] == [40.0], every=0.1)
                assert str(shown()[0].description) == "40 %, estimating the time left, 400 of 1,000 rows"
                progress.add(600)

    work()
    (bar,) = shown()
    assert (100.0, True) == (bar.data, str(bar.description).startswith("✓ 1,000 rows, "))
    assert bar.flow_run_id


@pytest.mark.exhaustive
def test_an_api_that_comes_back_has_the_progress(
    prefect_server: PrefectServer, server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An artifact that the API refused is created as soon as it takes one, and the log has one warning."""
    del prefect_server
    step, key = "a step that the API refuses", "progress-a-step-that-the-api-refuses"

    @flow
    def work() -> None:
        progress = Progress()
        with psycopg.connect(server.conninfo("prefect"), autocommit=True) as connection, progress_shown(progress):
            connection.execute(f"ALTER TABLE artifact ADD CONSTRAINT refused CHECK (key <> '{key}') NOT VALID")
            try:
                with progress.step(step):
                    wait_until(lambda: f"did not take {key}" in caplog.text)
                    time.sleep(2 * SHOWN_EVERY)
                    connection.execute("ALTER TABLE artifact DROP CONSTRAINT refused")
                    wait_until(lambda: shown(key), every=0.1)
            finally:
                connection.execute("ALTER TABLE artifact DROP CONSTRAINT IF EXISTS refused")

    work()
    assert 1 == caplog.text.count(f"did not take {key}")


@LONG
def test_a_run_is_watched_from_another_process(deployed: Shop) -> None:
    """`status --watch` shows the step at work and each step that has ended, until it is interrupted; without a terminal in plain lines."""
    variables = {**os.environ, "ARTWORK_DATABASE_URL": deployed.url, "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}
    with running(deployed) as run, run.progress.step("work"):
        with run.progress.step("copy chunks"):
            run.progress.expect(1_000)
            run.progress.add(400)
            wait_until(lambda: deployed.value("SELECT COUNT(*) FROM artwork_migration.progress") == 2)
            command = [PROGRAM, "status", "--watch"]
            watching = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
            assert watching.stdout
            assert next(line for line in watching.stdout if line.startswith(" running")).split()[1:5] == ["copy", "chunks:", "40", "%,"]
            run.progress.add(600)
        assert next(line for line in watching.stdout if line.startswith("done: ")).startswith("done: copy chunks: 1,000 rows, ")
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=BOUND)
    assert 0 == watching.returncode


@pytest.mark.exhaustive
def test_a_server_that_is_away_is_reported_once(deployed: Shop, server: EmbeddedServer) -> None:
    """Without a terminal, `status --watch` has one line about a database that it cannot read, and shows the status when it is back."""

    def administer(statement: str) -> None:
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # made of this test's own names

    variables = {**os.environ, "ARTWORK_DATABASE_URL": deployed.url, "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}
    watching = subprocess.Popen([PROGRAM, "status", "--watch"], env=variables, stdout=subprocess.PIPE, text=True)
    assert watching.stdout
    next(line for line in watching.stdout if line.startswith(" Prefect UI"))
    administer(f"ALTER DATABASE {deployed.name} ALLOW_CONNECTIONS FALSE")
    administer(
        f"SELECT PG_TERMINATE_BACKEND(pid) FROM pg_stat_activity WHERE datname = '{deployed.name}' AND backend_type = 'client backend'"
    )
    problem = next(watching.stdout)
    time.sleep(3 * WATCHED_EVERY)
    administer(f"ALTER DATABASE {deployed.name} ALLOW_CONNECTIONS TRUE")
    following = [line.split()[0] for line in itertools.takewhile(lambda line: not line.startswith(" Prefect UI"), watching.stdout)]
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=BOUND)
    assert ("To fix: " in problem, "verdict") == (True, following[0])

"""What a Prefect server must know to be of use: the worker's pool, the block for a database, the deployments, an automation."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound

from cli.worker import POOL
from migration.errors import MigrationError
from tasks.connection_block import ArtworkDatabase

ROOT = Path(__file__).parents[1]
#: A run beats each 30 s. Three beats missed, and nobody is there to say how it ended.
SILENCE = timedelta(seconds=100)
#: What a run on its way tells. Any other event ends the watch: Completed, Planned, Red gate, Paused.
ON_ITS_WAY = ("Pending", "Submitting", "pull-step.executed", "Running", "Retrying", "Cancelling", "heartbeat")
SILENT_RUNS = AutomationCore(
    name="Runs that fell silent are Crashed",
    description="A run that was killed together with its worker would be shown as running for ever.",
    trigger=EventTrigger(
        after={f"prefect.flow-run.{event}" for event in ON_ITS_WAY},
        expect={"prefect.flow-run.*"},
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE,
    ),
    actions=[
        ChangeFlowRunState(
            state=StateType.CRASHED,
            message=f"Nothing was heard of this run for {SILENCE.seconds} s: it was killed. Start it again; it goes on where it was.",
        )
    ],
)


class NotRegistered(MigrationError):
    """The server did not take the deployments; the end of what it said."""

    end_state = "Not up"

    def __init__(self, said: str) -> None:
        super().__init__(f"The deployments could not be registered:\n{said[-2000:]}")


def register() -> list[str]:
    """Make known what is not known yet, bring the deployments up to date, and return their names. Raises NotRegistered."""
    with get_client(sync_client=True) as client:
        _register_pool(client)
        ArtworkDatabase.register_type_and_schema()
        _register_automation(client)
        with _pauses_kept(client):
            _deploy()
        return sorted(deployment.name for deployment in client.read_deployments())


def _register_pool(client: SyncPrefectClient) -> None:
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description="runs the deployments of artwork-migration"))


def _register_automation(client: SyncPrefectClient) -> None:
    """One that exists stays as it is: operators may have changed it, and a new one would not know of the runs that it waits for."""
    if not client.read_automations_by_name(SILENT_RUNS.name):
        client.create_automation(SILENT_RUNS)


@contextmanager
def _pauses_kept(client: SyncPrefectClient) -> Iterator[None]:
    """Prefect resumes each deployment that it brings up to date. It leaves a schedule alone whose `active` prefect.yaml does not name."""
    paused = [deployment.id for deployment in client.read_deployments() if deployment.paused]
    try:
        yield
    finally:
        for deployment in paused:
            client.pause_deployment(deployment)


def _deploy() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        env={**os.environ, "ARTWORK_MIGRATION_HOME": str(ROOT)},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotRegistered(done.stdout + done.stderr)

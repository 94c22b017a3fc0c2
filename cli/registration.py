"""The registration at a Prefect server: the work pool, the type of the database block, the deployments, an automation."""

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
#: A run sends a heartbeat every 30 s. After three missed ones it has died.
SILENCE = timedelta(seconds=100)
#: The events of a run that has not ended. Any other event ends the watch: Completed, Failed, Cancelled, Paused.
RUNNING_EVENTS = ("Pending", "Submitting", "pull-step.executed", "Running", "Retrying", "Cancelling", "heartbeat")
SILENT_RUNS = AutomationCore(
    name="Mark runs without a heartbeat as Crashed",
    description="Without it, a run that was killed together with its worker would stay Running.",
    trigger=EventTrigger(
        after={f"prefect.flow-run.{event}" for event in RUNNING_EVENTS},
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
            message=f"No heartbeat for {SILENCE.seconds} s: the run was killed. Start it again; it resumes.",
        )
    ],
)


#: What `up` registers and `doctor` looks for.
AUTOMATIONS = (SILENT_RUNS,)


class NotRegistered(MigrationError):
    """The deployments could not be registered; the end of the output has the cause."""

    end = "Not up"

    def __init__(self, output: str) -> None:
        super().__init__(f"The deployments could not be registered. The end of Prefect's output:\n{output[-2000:]}")


def register() -> list[str]:
    """Register what is missing, update the deployments, and return their names. Raises NotRegistered."""
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
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description="Runs the deployments of artwork-migration."))


def _register_automation(client: SyncPrefectClient) -> None:
    """Create the automation if it is missing. An existing one may have changes of an operator, and watches runs already."""
    if not client.read_automations_by_name(SILENT_RUNS.name):
        client.create_automation(SILENT_RUNS)


@contextmanager
def _pauses_kept(client: SyncPrefectClient) -> Iterator[None]:
    """Keep paused deployments paused: Prefect resumes each one that it updates. It keeps a schedule whose `active` prefect.yaml omits."""
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

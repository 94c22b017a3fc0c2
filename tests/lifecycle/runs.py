"""What an operator sees of a run: its state, the number of its plan, its artifacts, the phase."""

import re
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State

from migration.errors import LONGEST_MESSAGE
from reporting.status import read_status
from tasks.ends import kind_of_end, message
from tests.databases import Shop
from tests.waiting import wait_until

APPROVED: dict[str, Any] = {"approved_by": "test", "reason": "test"}


def number_in(state: State[Any]) -> str:
    """Return the number of the plan that a run has made, with blockers or without."""
    assert (kind_of_end(state) in ("Planned", "Blocked"), "**" in message(state)) == (True, False), state.message
    assert len(state.message or "") <= LONGEST_MESSAGE
    (number,) = re.findall(r"\b[Pp]lan ([0-9a-f]{8})\b", state.message or "")[:1]
    return str(number)


def run_of(state: State[Any]) -> FlowRun:
    """Return the run that has ended in this state, as Prefect has it."""
    with get_client(sync_client=True) as client:
        return client.read_flow_run(state.state_details.flow_run_id)


def failed_tasks(state: State[Any]) -> list[str]:
    """Return the names of the tasks that Prefect shows as failed in the run with this end. They take a moment to be recorded."""
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        wait_until(lambda: all(task.state and task.state.is_final() for task in client.read_task_runs(flow_run_filter=of_run)), every=0.5)
        return [task.name for task in client.read_task_runs(flow_run_filter=of_run) if task.state and task.state.is_failed()]


def artifact(key: str) -> str:
    """Return the newest artifact of a key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    assert found, f"there is no artifact {key}"
    return str(max(found, key=lambda one: one.updated).data)


def phase(shop: Shop) -> str:
    """Return the phase that the status shows."""
    return str(read_status(shop.database).phase.phase)

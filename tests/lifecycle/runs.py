"""What an operator sees of a run: its state, the number of its plan, its artifacts, the phase."""

import re
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State

from reporting.status import read_status
from tests.databases import Shop

APPROVED: dict[str, Any] = {"approved_by": "test", "reason": "test"}


def number_in(state: State[Any]) -> str:
    """Return the number of the plan that a Planned run has made."""
    assert (state.name, "**" in (state.message or "")) == ("Planned", False), state.message
    (number,) = re.findall(r"\bPlan ([0-9a-f]{8}) of\b", state.message or "")[:1]
    return str(number)


def artifact(key: str) -> str:
    """Return the newest artifact of a key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    assert found, f"there is no artifact {key}"
    return str(max(found, key=lambda one: one.updated).data)


def phase(shop: Shop) -> str:
    """Return the phase that the status shows."""
    return str(read_status(shop.database).phase.phase)

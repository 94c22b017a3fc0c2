"""The flows: one file for each verb, with the name of the verb. They only call steps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State
    from prefect.flows import Flow


def flow_of(verb: str) -> "Flow[..., State[Any]]":
    """Return the flow of a verb. It is imported only now, because Prefect takes seconds to import."""
    flow: Flow[..., State[Any]] = getattr(import_module(f"flows.{verb}"), verb)
    return flow

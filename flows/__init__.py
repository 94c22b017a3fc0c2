"""The flows: one file for each verb, with the name of the verb (`-` is `_` in Python). They only call steps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State
    from prefect.flows import Flow


def end_of(verb: str, *, recorded: bool, **parameters: Any) -> "State[Any]":
    """Run a verb and return its end state.

    It is a flow of Prefect's if it is to be `recorded` by a server, with the tag that the runs of deployments have, by which automations
    know it. Otherwise its function runs alone: the ledger is its only record.
    """
    flow = flow_of(verb)
    if not recorded:
        end: State[Any] = flow.fn(**parameters)
        return end
    from prefect import tags

    with tags("artwork-migration"):  # now, because the server's events have the tags of the beginning for five minutes
        return flow(**parameters, return_state=True)


def flow_of(verb: str) -> "Flow[..., State[Any]]":
    """Return the flow of a verb. It is imported only now, because Prefect takes seconds to import."""
    name = function_of(verb)
    flow: Flow[..., State[Any]] = getattr(import_module(f"flows.{name}"), name)
    return flow


def function_of(verb: str) -> str:
    """Return the name of the verb's function, which is that of its file."""
    return verb.replace("-", "_")

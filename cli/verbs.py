"""Running an operator verb from the command line, as the Prefect UI would."""

import importlib
import os
from typing import TYPE_CHECKING, Any

from cli.prefect_server import SETTINGS
from cli.up import running_api

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def run_verb(verb: str, **parameters: object) -> "State[Any]":
    """Run the flow `verb` (with underscores) in this process, and return its end state.

    It is recorded by the server in PREFECT_API_URL; where none is set, by the one that `up` has started.
    """
    use_running_server()
    flow = getattr(importlib.import_module(f"flows.{verb}"), verb)
    state: State[Any] = flow(**parameters, return_state=True)
    return state


def use_running_server() -> None:
    """Let Prefect, imported after this, use the server in PREFECT_API_URL, or else the one that `up` has started."""
    api = running_api()
    defaults = {**SETTINGS, **({"PREFECT_API_URL": api} if api else {})}
    defaults["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "WARNING"  # by name: a number ends all logging, the server's too
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def exit_code(state: "State[Any]") -> int:
    """0 done or planned, 1 refused or red, 2 usage, 3 database unreachable."""
    if state.is_completed():
        return 0
    return int(getattr(state.result(raise_on_failure=False), "exit_code", 1))

"""How a verb has ended, read from the state of its run. To Prefect an end is Completed or Failed, and the state's data has its kind."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

#: The data of the end state of a run that has only made a plan, which has no blockers.
PLANNED = "Planned"


def kind_of_end(state: "State[Any]") -> str:
    """Return the kind of the end: Completed, Planned, or that of the error, for example Refused, Blocked, Red."""
    data = None if state.data is None else state.result(raise_on_failure=False)
    return PLANNED if data == PLANNED else str(getattr(data, "end", state.name))


def message(state: "State[Any]") -> str:
    """Return the whole message of an end. That of the state is shortened, for Prefect's pages."""
    data = None if state.data is None else state.result(raise_on_failure=False)
    return str(data) if hasattr(data, "end") else state.message or ""


def plan_named(state: "State[Any]") -> str | None:
    """Return the number of the plan that a verb has made, which its message names; None if it has made none."""
    if kind_of_end(state) not in (PLANNED, "Blocked"):
        return None
    found = re.search(r"\b[Pp]lan ([0-9a-f]{8})\b", message(state))
    return found[1] if found else None


def exit_code(state: "State[Any]") -> int:
    """Return the exit code of the command line: that of the error, or 0."""
    if state.is_completed():
        return 0
    return int(getattr(state.result(raise_on_failure=False), "exit_code", 1))

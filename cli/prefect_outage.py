"""What the command line shows and does while Prefect does not record an end: the verb's own end, and no traceback."""

import logging
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import httpx

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def quieten() -> None:
    """Make Prefect report that its API does not respond in one line: without tracebacks, and not once for each event."""
    logging.getLogger("prefect.flow_runs").addFilter(_without_traceback)
    logging.getLogger("prefect.events.clients").addFilter(_Once())
    logging.getLogger("prefect._internal.concurrency").addFilter(_about_no_event)


def own_end() -> "State[Any]":
    """Return how the verb has ended that Prefect could not record. If it has not been started, that is the end."""
    from prefect.states import Failed

    from tasks.ends import message
    from tasks.verbs import ENDED, EndedWithMessage, PrefectUnreachable, end_of

    if not ENDED:
        return Failed(
            name="Refused",
            message="Prefect's API does not respond, so the run was not started. Nothing was changed. To fix: correct PREFECT_API_URL, or "
            "start the server, on this machine with `artwork-migration up`.",
            data=RuntimeError(),
        )
    state = ENDED[-1]
    if state is None:
        return end_of(PrefectUnreachable())
    ended = None if state.data is None else state.result(raise_on_failure=False)
    state.message = f"{message(state)}\nPrefect's API does not respond, so its UI does not show this end. The ledger has it."
    if isinstance(ended, EndedWithMessage):
        ended.args = (state.message,)
    return state


def interrupted_end() -> "State[Any]":
    """Return how a verb has ended that was ended with Ctrl-C."""
    from prefect.states import Failed

    return Failed(
        name="Interrupted",
        message="The run was ended with Ctrl-C. What was committed before stays; the rest was rolled back. `artwork-migration status` "
        "shows the phase, and which verb has steps left. To fix: type the same command again.",
        data=RuntimeError(),
    )


def leave(code: int) -> NoReturn:
    """End the process at once. Otherwise Prefect would try for minutes to deliver its events."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _without_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], httpx.HTTPError):
        record.exc_info = None
    return True


def _about_no_event(record: logging.LogRecord) -> bool:
    return "failed to process item" not in record.getMessage()


class _Once(logging.Filter):
    """Lets one record pass."""

    passed = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether it is the first."""
        first, self.passed = not self.passed, True
        return first

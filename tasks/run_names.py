"""The name of a run in Prefect: the verb, what it is about, and how it ended. It is set at the start and at the end.

The ledger and our sessions know the run by its first name, because names of sessions are ASCII and must differ. It is a tag of the run.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.utilities.names import generate_slug

from tasks.connection_block import chosen_database
from tasks.steps import if_the_api_responds, in_flow

#: The parameters that a name has, in this order.
_SHOWN = ("to", "name", "plan", "approved_by")
#: Characters of a parameter in a name, at most.
_LONGEST = 40
_NAME: ContextVar["RunName | None"] = ContextVar("name", default=None)


def first_name() -> str:
    """Return the name by which ledger and sessions know the run: the one it began with. A run that Prefect repeats is known by its id.

    Where no server records the run, the process gives it a name.
    """
    name = flow_run.name or _own_name()
    return name if name.isascii() else str(flow_run.id).partition("-")[0]


@cache
def _own_name() -> str:
    return generate_slug(2)


def _short(given: str) -> str:
    """Return what was given without an e-mail's domain, and without the address behind a name, on one line."""
    return " ".join(given.partition("<")[0].partition("@")[0].split())[:_LONGEST]


class RunName:
    """The name of one run: the parts that its parameters give, what it is `about`, and its end."""

    def __init__(self, verb: str, parameters: Mapping[str, object]) -> None:
        shown = {name: _short(str(parameters.get(name) or "")) for name in _SHOWN}
        self._parts = [verb, *filter(None, shown.values())]
        self._database = chosen_database()
        self.about = ""

    def with_end(self, end: str = "") -> str:
        """Return the name, with the end if there is one. Behind the only @ is the database, if it is one of several."""
        name = " · ".join(filter(None, [*self._parts, self.about, end]))
        return f"{name} @ {self._database}" if self._database else name

    def show(self, end: str = "") -> None:
        """Give the run in Prefect this name. Its first name becomes a tag."""
        if not in_flow():
            return
        database = {f"database:{self._database}"} if self._database else set()
        tags = sorted({*flow_run.tags, first_name(), *database})
        with if_the_api_responds("the name of the run"), get_client(sync_client=True) as client:
            client.update_flow_run(flow_run.id, name=self.with_end(end), tags=tags)


@contextmanager
def named(verb: str, parameters: Mapping[str, object]) -> Iterator[RunName]:
    """Give the run its name, which the block may add to."""
    name = RunName(verb, parameters)
    token = _NAME.set(name)
    try:
        name.show()
        yield name
    finally:
        _NAME.reset(token)


def add_to_name(about: str) -> None:
    """Add what the run is about to its name."""
    if name := _NAME.get():
        name.about = about
        name.show()


def show_end(end: str) -> None:
    """Add the end to the run's name."""
    if name := _NAME.get():
        name.show(end)

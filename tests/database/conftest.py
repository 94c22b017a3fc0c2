"""Starting steps that must block, and ending those a failed test leaves behind."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.databases import Shop
from tests.interleaving import Step


class Steps:
    """The steps of one test."""

    def __init__(self) -> None:
        self.started: list[Step] = []

    def statement(self, shop: Shop, session: psycopg.Connection[Any], statement: str, *parameters: object) -> Step:
        """Execute a statement in a session of the application, in a thread."""
        return self._keep(Step(shop, lambda: session.execute(statement, parameters or None), pid=session.info.backend_pid))

    def ours(self, shop: Shop, work: Callable[[], Any]) -> Step:
        """Run code of ours, in a thread; it is seen by the name of its connections."""
        return self._keep(Step(shop, work, name=shop.database.name))

    def _keep(self, step: Step) -> Step:
        self.started.append(step)
        return step


@pytest.fixture
def steps(make_shop: MakeShop) -> Iterator[Steps]:
    """Starts steps; whatever is still at work when the test ends is ended before its database goes."""
    del make_shop  # named so that it outlives us
    made = Steps()
    yield made
    for step in made.started:
        step.abandon()


@pytest.fixture
def deployed_on_either(make_shop: MakeShop, either_server: EmbeddedServer) -> Shop:
    """The production-like sample with the clean schema beside it, on each release in turn."""
    return make_shop(phase="DEPLOYED", on=either_server)


@pytest.fixture
def migrated_on_either(make_shop: MakeShop, either_server: EmbeddedServer) -> Shop:
    """The production-like sample, migrated, so that the clean table has its keys and indexes, on each release in turn."""
    return make_shop(phase="MIGRATED", on=either_server)

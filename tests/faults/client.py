"""Work in a process of its own, with connections of its own, that a test can kill."""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from multiprocessing.process import BaseProcess

from migration.database import Database
from migration.settings import database_url
from tests.databases import Shop, migrate
from tests.waiting import BOUND


class Client(Shop):
    """A shop of which only the address is known."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def database(self) -> Database:
        """Connections by which a test tells this process's backends from its own."""
        return Database(database_url(self._url), name="doomed-run")


@contextmanager
def client(shop: Shop, work: Callable[[Client], object] = migrate) -> Iterator[BaseProcess]:
    """A process at work on the shop, gone in the end. Forked, because a new interpreter would take longer than the work."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(shop.url, work))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _work(url: str, work: Callable[[Client], object]) -> None:
    gc.freeze()  # what is collected here must not be a connection of the parent's
    work(Client(url))
    os._exit(0)  # what the parent has registered for its own end is not this process's to do


def kill(process: BaseProcess) -> None:
    """kill -9, and nothing else has ended it."""
    process.kill()
    process.join(BOUND)
    assert -signal.SIGKILL == process.exitcode


def at_work(shop: Shop) -> int:
    """How many backends of clients there still are."""
    return int(shop.value("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'doomed-run'"))

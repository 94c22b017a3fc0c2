"""The steps of migrate_data in a process of their own that a test can kill: `python -m tests.faults.client URL`."""

import sys
from functools import cached_property

from migration.database import Database
from migration.settings import database_url
from tests.shops import Shop, migrate


class Client(Shop):
    """A shop of which only the address is known."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def database(self) -> Database:
        """Connections by which a test tells this process's backends from its own."""
        return Database(database_url(self._url), name="doomed-run")


if __name__ == "__main__":
    migrate(Client(sys.argv[1]))

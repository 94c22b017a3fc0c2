"""The address of the database as a Prefect block, in parts: a block with a URL would show its password.

Several databases on one server are several blocks. What a run shows in Prefect has the name of its block, unless it is the default one.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prefect.blocks.core import Block
from prefect.runtime import deployment
from prefect.settings import PREFECT_API_URL
from pydantic import Field, SecretStr
from sqlalchemy import URL

from migration.settings import commands_about, complete_url, database_name, read_settings

_CHOSEN: ContextVar[str] = ContextVar("database", default="")


class ArtworkDatabase(Block):
    """A database to migrate. Save it as `artwork-database`, for workers without ARTWORK_DATABASE_URL, or under a name of its own."""

    _block_type_name = "Artwork Database"
    _block_type_slug = "artwork-database"

    host: str = Field(description="host name, or the folder of a unix socket")
    port: int = Field(5432, description="port of the server itself, not of a transaction pooler")
    database: str = Field(description="name of the database")
    user: str = Field(description="role that owns the table artworks")
    password: SecretStr = Field(SecretStr(""), description="password of that role")

    def url(self) -> URL:
        """Return the URL of the database, as ARTWORK_DATABASE_URL would give it. Raises BadInput."""
        on_socket = self.host.startswith("/")
        url = URL.create(
            "postgresql",
            username=self.user,
            password=self.password.get_secret_value() or None,
            host=None if on_socket else self.host,
            port=self.port,
            database=self.database,
            query={"host": self.host} if on_socket else {},
        )
        return complete_url(url)


def database_of_run(given: str) -> str:
    """Return the name of the block with the database of this run, from its parameter `database`; empty for the default database.

    Without a parameter it is the name in ARTWORK_DATABASE, but not in a run of a deployment: what a worker inherits chooses no database.
    Raises BadInput, without what was given.
    """
    settings = read_settings()
    if given:
        return database_name(given, settings)
    return "" if not settings.database or deployment.id else settings.database


@contextmanager
def chosen(name: str) -> Iterator[None]:
    """Let everything in this block be about the database in the block `name`, or about the default one if it is empty."""
    token = _CHOSEN.set(name)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def chosen_database() -> str:
    """Return the name of the block with the database of this run; empty for ARTWORK_DATABASE_URL, or the block `artwork-database`."""
    return _CHOSEN.get()


def for_terminal(text: str) -> str:
    """Return the text with each command about this run's database, as `commands_about`."""
    return commands_about(chosen_database(), text)


def stored_url(name: str) -> URL | None:
    """Return the URL from the block of this name, or None if there is no such block, or no server for it. Raises BadInput."""
    if not re.fullmatch("[a-z0-9-]+", name):  # no block can have this name
        return None
    if not PREFECT_API_URL.value():  # Prefect would start a server, which takes a quarter of a minute, and it would be empty
        return None
    try:
        block = ArtworkDatabase.load(name)
    except ValueError:
        return None
    return block.url() if isinstance(block, ArtworkDatabase) else None

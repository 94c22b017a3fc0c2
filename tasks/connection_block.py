"""The address of the database as a Prefect block, in parts: a block with a URL would show its password."""

from prefect.blocks.core import Block
from prefect.settings import PREFECT_API_URL
from pydantic import Field, SecretStr
from sqlalchemy import URL

from migration.settings import complete_url


class ArtworkDatabase(Block):
    """The database to migrate, for workers without ARTWORK_DATABASE_URL. Save it under the name `artwork-database`."""

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


def stored_url() -> URL | None:
    """Return the URL from the block `artwork-database`, or None if there is no such block, or no server for it. Raises BadInput."""
    if not PREFECT_API_URL.value():  # Prefect would start a server, which takes a quarter of a minute, and it would be empty
        return None
    try:
        block = ArtworkDatabase.load("artwork-database")
    except ValueError:
        return None
    return block.url() if isinstance(block, ArtworkDatabase) else None

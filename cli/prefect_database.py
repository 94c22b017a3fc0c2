"""The embedded Postgres for a Prefect server's data, as a process of its own: `python -m cli.prefect_database FOLDER`."""

import sys
from contextlib import suppress
from pathlib import Path

import psycopg

from sample.server import EmbeddedServer


def address_file(folder: Path) -> Path:
    """Return the file that holds the database's URL. The socket is in another folder if this path is too long for one."""
    return folder / "address"


def serve(folder: Path) -> None:
    """Run Postgres until it ends, or this process gets a signal to end."""
    with EmbeddedServer(folder / "data") as server:
        with suppress(psycopg.errors.DuplicateDatabase):
            server.create_database("prefect")
        complete = folder / "address.new"
        complete.write_text(server.url("prefect"), encoding="utf-8")
        complete.replace(address_file(folder))
        server.wait()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

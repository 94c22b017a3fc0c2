"""The embedded Postgres that keeps a Prefect server's data, as a process of its own: `python -m cli.prefect_database FOLDER`."""

import sys
from contextlib import suppress
from pathlib import Path

import psycopg

from sample.server import EmbeddedServer


def address_file(folder: Path) -> Path:
    """Where the process writes how to reach it: the socket lies elsewhere if the folder's path is too long for one."""
    return folder / "address"


def serve(folder: Path) -> None:
    """Until the process is asked to end, or Postgres ends."""
    with EmbeddedServer(folder / "data") as server:
        with suppress(psycopg.errors.DuplicateDatabase):
            server.create_database("prefect")
        written = folder / "address.new"
        written.write_text(server.url("prefect"), encoding="utf-8")
        written.replace(address_file(folder))
        server.wait()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

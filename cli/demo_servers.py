"""The servers of the demo: an embedded Postgres with the shop's database, and a Prefect server."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import platformdirs
from rich.console import Console
from sqlalchemy import text

from cli.prefect_server import PrefectServer
from migration.database import Database
from migration.settings import database_url
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer

HOME = Path(platformdirs.user_data_path("artwork-migration")) / "demo"
SHOP = "demo_shop"
#: The schema-only dump of the shop before deploy_schema.
BEFORE = HOME / "schema-before.sql"


@contextmanager
def servers(console: Console) -> Iterator[EmbeddedServer]:
    """Run Postgres and a Prefect server, with the environment that the flows read, for the time of a `with` block. The files stay."""
    HOME.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        console.rule("Start Postgres and a Prefect server")
        server = stack.enter_context(EmbeddedServer(HOME / "postgres"))
        server.drop_database("demo_prefect")
        server.create_database("demo_prefect")
        shutil.rmtree(HOME / "prefect", ignore_errors=True)
        prefect = stack.enter_context(PrefectServer(server.url("demo_prefect"), HOME / "prefect"))
        os.environ.update(prefect.environment, ARTWORK_DATABASE_URL=server.url(SHOP))
        os.environ.pop("ARTWORK_DATABASE", None)  # it would go before the URL
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "ERROR")  # the report has the warnings of the gates
        console.print(f"   Postgres {server.version} in {server.data}")
        console.print(f"   Prefect UI at {prefect.ui_url} until the demo ends")
        stack.callback(_flush_logs)
        yield server


def build_shop(console: Console, server: EmbeddedServer, rows: int, seed: int) -> None:
    """Create the shop's database; an earlier one is dropped."""
    console.rule(f"Build a production-like database with {rows:,} artworks")
    BEFORE.unlink(missing_ok=True)
    server.drop_database(SHOP)
    server.create_database(SHOP)
    build_sample(server.conninfo(SHOP), Variant.CURRENT, rows, seed)
    BEFORE.write_text(schema_of(server), encoding="utf-8")


def shop_database(server: EmbeddedServer) -> Database:
    """Return the shop's database as the flows connect to it."""
    return Database(database_url(server.url(SHOP)))


def schema_of(server: EmbeddedServer) -> str:
    """Return the schema-only dump of the shop, without its random lines."""
    dump = subprocess.run(
        [server.binary("pg_dump"), "--schema-only", "-d", server.conninfo(SHOP)], capture_output=True, text=True, check=True
    )
    return "\n".join(line for line in dump.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def let_days_pass(server: EmbeddedServer, days: int) -> None:
    """Move the times of all runs and verifications in the ledger back by so many days."""
    older = "MAKE_INTERVAL(days => :days)"
    database = shop_database(server)
    with database.transaction("letting days pass") as connection:
        for statement in (
            f"UPDATE artwork_migration.phase_history SET begun_at = begun_at - {older}, ended_at = ended_at - {older}",
            f"UPDATE artwork_migration.verification SET verified_at = verified_at - {older}",
        ):
            connection.execute(text(statement), {"days": days})
    database.dispose()


def delete_demo() -> None:
    """Delete the demo's files. Its servers must have ended."""
    shutil.rmtree(HOME)


def _flush_logs() -> None:
    """Send the last log lines before the server ends."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)

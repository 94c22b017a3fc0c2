"""What the demo stands on: an embedded Postgres with the shop in it, a Prefect server, and the time that passes for both."""

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
#: The schema-only dump of the shop before anything was done.
BEFORE = HOME / "schema-before.sql"


@contextmanager
def servers(console: Console) -> Iterator[EmbeddedServer]:
    """Postgres and a Prefect server on it, with the environment that the flows read; both are gone afterwards, the files stay."""
    HOME.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        console.rule("Postgres and a Prefect server start")
        server = stack.enter_context(EmbeddedServer(HOME / "postgres"))
        server.drop_database("demo_prefect")
        server.create_database("demo_prefect")
        shutil.rmtree(HOME / "prefect", ignore_errors=True)
        prefect = stack.enter_context(PrefectServer(server.url("demo_prefect"), HOME / "prefect"))
        os.environ.update(prefect.environment, ARTWORK_DATABASE_URL=server.url(SHOP))
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "ERROR")  # what a gate warns of is in the report
        console.print(f"   Postgres {server.version} in {server.data}")
        console.print(f"   Prefect at {prefect.ui_url} while this runs")
        stack.callback(_flush_logs)
        yield server


def build_shop(console: Console, server: EmbeddedServer, rows: int, seed: int) -> None:
    """Make the shop's database anew."""
    console.rule(f"A production-like shop with {rows:,} artworks")
    BEFORE.unlink(missing_ok=True)
    server.drop_database(SHOP)
    server.create_database(SHOP)
    build_sample(server.conninfo(SHOP), Variant.CURRENT, rows, seed)
    BEFORE.write_text(schema_of(server), encoding="utf-8")


def shop_database(server: EmbeddedServer) -> Database:
    """The shop's database as our own code sees it."""
    return Database(database_url(server.url(SHOP)))


def schema_of(server: EmbeddedServer) -> str:
    """The schema-only dump of the shop."""
    dumped = subprocess.run(
        [server.binary("pg_dump"), "--schema-only", "-d", server.conninfo(SHOP)], capture_output=True, text=True, check=True
    )
    return "\n".join(line for line in dumped.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def let_days_pass(server: EmbeddedServer, days: int) -> None:
    """Make all that the ledger remembers of runs and verifications so many days older."""
    older = "MAKE_INTERVAL(days => :days)"
    database = shop_database(server)
    with database.transaction("letting days pass") as connection:
        for statement in (
            f"UPDATE artwork_migration.phase_history SET begun_at = begun_at - {older}, ended_at = ended_at - {older}",
            f"UPDATE artwork_migration.verification SET verified_at = verified_at - {older}",
        ):
            connection.execute(text(statement), {"days": days})
    database.dispose()


def throw_away() -> None:
    """Remove the demo's files. Its servers must have ended."""
    shutil.rmtree(HOME)


def _flush_logs() -> None:
    """Hand the last log lines over before the server goes."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)

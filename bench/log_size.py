"""How large the drained log of changed ids is, without and with a long-running reader, and how long a writer waits meanwhile.

As many ids as legacy rows are logged one row each, as single writes log them; catch-up drains them as in migrate_data.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bench import databases
from bench.results import Measured
from migration.ledger.phases import MIGRATE_DATA
from migration.sync import catch_up
from sample.server import EmbeddedServer

#: Megabytes on disk of the drained log, its TOAST table included.
BAR = 10.0
DATABASE = "bench_log"

LOG_IDS = """
INSERT INTO artwork_migration.legacy_change (ids)
SELECT ARRAY[a.id] FROM generate_series(1, %s / (SELECT count(*) FROM public.artworks) + 1) AS n CROSS JOIN public.artworks AS a LIMIT %s
"""
SIZE = "SELECT pg_total_relation_size('artwork_migration.legacy_change') / 1e6::float8"
WRITE = "UPDATE public.artworks SET pet_name = 'Rex' WHERE id = (SELECT id FROM public.artworks LIMIT 1)"


def measure(on: EmbeddedServer, ids: int) -> Iterator[Measured]:
    """Drain the log three times: alone, with a reader whose snapshot is older, and after that reader has finished."""
    on.create_database(DATABASE)
    conninfo = databases.build(on, DATABASE, rows=2_000)
    databases.deploy(on, DATABASE)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield from _drain(on, connection, "no reader", ids, bar=BAR)
        yield from _drain(on, connection, "a REPEATABLE READ reader", ids, bar=None)
        yield from _drain(on, connection, "the reader has finished", 0, bar=BAR)


def _drain(on: EmbeddedServer, connection: psycopg.Connection, name: str, ids: int, *, bar: float | None) -> Iterator[Measured]:
    """Log the ids and drain the log. Without a bar, a reader keeps its snapshot meanwhile."""
    with psycopg.connect(on.conninfo(DATABASE)) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        if bar is None:
            other.execute("SELECT FROM public.artworks LIMIT 1")
        connection.execute(LOG_IDS, (ids, ids))
        full = _megabytes(connection)
        with _writing(on) as writes:
            started = time.perf_counter()
            with databases.running(on, DATABASE, MIGRATE_DATA) as run:
                run.begin()
                catch_up.drain(run)
            seconds = time.perf_counter() - started
        yield Measured(f"log when full, {name}", "MB", (full,))
        yield Measured(f"log when drained, {name}", "MB", (_megabytes(connection),), bar)
        yield Measured(f"time to drain, {name}", "s", (seconds,))
        yield Measured(f"longest write meanwhile, {name}", "ms", (max(writes),))


def _megabytes(connection: psycopg.Connection) -> float:
    row = connection.execute(SIZE).fetchone()
    return float(row[0]) if row else 0.0


@contextmanager
def _writing(on: EmbeddedServer) -> Iterator[list[float]]:
    """Write like the application during the block. Yields the milliseconds of each write."""
    over, writes = threading.Event(), [0.0]

    def write() -> None:
        with psycopg.connect(on.conninfo(DATABASE), autocommit=True) as connection:
            while not over.wait(0.005):
                started = time.perf_counter()
                connection.execute(WRITE)
                writes.append((time.perf_counter() - started) * 1000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield writes
    finally:
        over.set()
        writer.join()

"""How large the drained log of changed ids is, without and with a long-running reader, and how long a writer waits meanwhile.

A million ids are logged one row each, as single writes log them; catch-up drains them as in migrate_data. Run it as
``python -m bench.log_size``; the exit code is 1 if the bar was missed.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from bench import databases, machine
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


@dataclass(frozen=True)
class Drained:
    """The log in megabytes, full and drained, the seconds between, and a concurrent writer's median and longest write in milliseconds."""

    name: str
    full: float
    drained: float
    seconds: float
    median_ms: float
    longest_ms: float

    def __str__(self) -> str:
        return (
            f"{self.name:<34} full {self.full:7.1f} MB  drained {self.drained:7.1f} MB  in {self.seconds:5.1f} s;"
            f" a writer meanwhile: median {self.median_ms:.1f} ms, longest {self.longest_ms:.1f} ms"
        )


def measure(on: EmbeddedServer, ids: int) -> list[Drained]:
    """Drain the log three times: alone, with a reader whose snapshot is older, and after that reader has finished."""
    conninfo = databases.build(on, DATABASE, rows=2_000)
    databases.deploy(on, DATABASE)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return [
            _drain(on, connection, "no reader", ids),
            _drain(on, connection, "a REPEATABLE READ reader", ids, reader=True),
            _drain(on, connection, "the reader has finished", 0),
        ]


def _drain(on: EmbeddedServer, connection: psycopg.Connection, name: str, ids: int, *, reader: bool = False) -> Drained:
    with psycopg.connect(on.conninfo(DATABASE)) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        if reader:
            other.execute("SELECT FROM public.artworks LIMIT 1")
        connection.execute(LOG_IDS, (ids, ids))
        full = _megabytes(connection)
        with _writing(on) as writes:
            started = time.perf_counter()
            with databases.running(on, DATABASE, MIGRATE_DATA) as run:
                run.begin()
                catch_up.drain(run)
            seconds = time.perf_counter() - started
        return Drained(name, full, _megabytes(connection), seconds, sorted(writes)[len(writes) // 2], max(writes))


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code: 1 if the bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.log_size", description=__doc__)
    parser.add_argument("--ids", type=int, default=1_000_000)
    with databases.server() as on:
        print(machine.describe(on.conninfo("postgres")))
        results = measure(on, parser.parse_args(arguments).ids)
    for result in results:
        print(result)
    holds = results[0].drained <= BAR and results[2].drained <= BAR
    print(f"bar {BAR:.0f} MB without a reader, and after it has finished: {'holds' if holds else 'MISSED'}")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())

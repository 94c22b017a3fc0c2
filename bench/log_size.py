"""How large the log of changed ids is once it is drained, without and with a long-running reader, and whether a writer waits meanwhile.

A million ids are logged as single writes log them, one row each; catch-up drains them as in migrate_data. Run it as
``python -m bench.log_size``; it ends with 1 when the bar is missed.
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
    """Megabytes of the log: full, drained and vacuumed; seconds that took; and of the writer beside it the median and the longest write."""

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
    """Drain the log three times: with nobody else, with a reader whose snapshot is older, and when that has gone."""
    conninfo = databases.build(on, DATABASE, rows=2_000)
    databases.deploy(on, DATABASE)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return [
            _drain(on, connection, "nobody else", ids),
            _drain(on, connection, "a REPEATABLE READ reader", ids, reader=True),
            _drain(on, connection, "the reader has gone", 0),
        ]


def _drain(on: EmbeddedServer, connection: psycopg.Connection, name: str, ids: int, *, reader: bool = False) -> Drained:
    with psycopg.connect(on.conninfo(DATABASE)) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        if reader:
            other.execute("SELECT FROM public.artworks LIMIT 1")
        connection.execute(LOG_IDS, (ids, ids))
        full = _megabytes(connection)
        with _writing(on) as writes:
            begun = time.perf_counter()
            with databases.running(on, DATABASE, MIGRATE_DATA) as run:
                run.begin()
                catch_up.drain(run)
            taken = time.perf_counter() - begun
        return Drained(name, full, _megabytes(connection), taken, sorted(writes)[len(writes) // 2], max(writes))


def _megabytes(connection: psycopg.Connection) -> float:
    row = connection.execute(SIZE).fetchone()
    return float(row[0]) if row else 0.0


@contextmanager
def _writing(on: EmbeddedServer) -> Iterator[list[float]]:
    """A writer of the application's beside the block, and how many milliseconds each of its writes took."""
    over, writes = threading.Event(), [0.0]

    def write() -> None:
        with psycopg.connect(on.conninfo(DATABASE), autocommit=True) as connection:
            while not over.wait(0.005):
                begun = time.perf_counter()
                connection.execute(WRITE)
                writes.append((time.perf_counter() - begun) * 1000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield writes
    finally:
        over.set()
        writer.join()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if the bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.log_size", description=__doc__)
    parser.add_argument("--ids", type=int, default=1_000_000)
    with databases.server() as on:
        print(machine.describe(on.conninfo("postgres")))
        results = measure(on, parser.parse_args(arguments).ids)
    for result in results:
        print(result)
    holds = results[0].drained <= BAR and results[2].drained <= BAR
    print(f"bar {BAR:.0f} MB without a reader, and when it has gone: {'holds' if holds else 'MISSED'}")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())

"""How long the comparison of every row takes, with its counts for gates and report, beside a bare FULL JOIN, and beside reladiff.

The join counts the rows of both tables by id. reladiff compares the ten columns that have one name in both tables, of the same artworks:
the legacy table's are in a table of their own, so that it needs no condition. It is measured with its algorithm for two tables of one
database, a join, and with that for two databases, checksums. A value is milliseconds for a thousand legacy rows.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

from reladiff import connect, diff_tables
from reladiff.table_segment import TableSegment

from bench import databases
from bench.results import Compared, Side, against, measure_rounds
from migration.ledger.phases import MIGRATE_DATA
from migration.sync import reconcile
from sample.server import EmbeddedServer

UNIT = "ms/1,000 rows"
#: The highest ratios of the comparison to each other way.
BARS = {"a bare FULL JOIN": 4.0, "reladiff, join": 1 / 5, "reladiff, checksums": 1 / 5}
JOIN = "SELECT COUNT(*) FROM public.artworks AS a FULL JOIN public.artworks_v2 AS c ON a.id = c.id"
SAME_ROWS = (
    "CREATE TABLE public.artworks_v1 AS SELECT l.* FROM public.artworks AS l INNER JOIN public.artworks_v2 AS c ON l.id = c.id",
    "ALTER TABLE public.artworks_v1 ADD PRIMARY KEY (id)",
    "VACUUM (ANALYZE) public.artworks_v1",
)
SAME_COLUMNS = (
    *("customer_name", "customer_email", "pet_name", "generated_image_url", "upscaled_image_url", "generation_status"),
    *("access_token", "token_expires_at", "created_at", "updated_at"),
)


def measure(on: EmbeddedServer, rows: int, rounds: int) -> Iterator[Compared]:
    """Compare the comparison with each other way, on one migrated database."""
    with databases.cloned(on, databases.filled(on, rows)) as name:
        databases.execute(on, name, *SAME_ROWS)
        ways: dict[str, Callable[[EmbeddedServer, str], object]] = {
            "comparison": compare,
            "a bare FULL JOIN": lambda on, name: databases.execute(on, name, JOIN),
            "reladiff, join": partial(differences, algorithm="joindiff"),
            "reladiff, checksums": partial(differences, algorithm="hashdiff"),
        }
        values = measure_rounds({way: _side(on, name, work, rows) for way, work in ways.items()}, rounds)
    for other, bar in BARS.items():
        yield against(f"comparison to {other}", UNIT, values, other=other, ours="comparison", bar=bar)


def _side(on: EmbeddedServer, name: str, work: Callable[[EmbeddedServer, str], object], rows: int) -> Side:
    def measured(_: int) -> float:
        begun = time.perf_counter()
        work(on, name)
        return (time.perf_counter() - begun) * 1e6 / rows

    return measured


def compare(on: EmbeddedServer, name: str) -> dict[str, int]:
    """Compare every row as migrate_data does. Returns the number of rows by verdict."""
    with databases.running(on, name, MIGRATE_DATA) as run:
        run.begin()
        return reconcile.reconcile(run)


def differences(on: EmbeddedServer, name: str, algorithm: str) -> list[object]:
    """Return the rows that differ by reladiff, over two connections: by a join, or by checksums of ranges of ids."""
    address = {"driver": "postgresql", "host": str(on.socket_directory), "user": "postgres", "dbname": name}
    with closing(connect(address, thread_count=2)) as database:
        legacy, clean = (
            TableSegment(database, ("public", table), ("id",), extra_columns=SAME_COLUMNS) for table in ("artworks_v1", "artworks_v2")
        )
        return list(diff_tables(legacy, clean, algorithm=algorithm))

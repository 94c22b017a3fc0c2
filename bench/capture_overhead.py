"""How much slower the capture makes the writes of the application.

It compares the same writes on two equal databases, without and with the clean schema; and writes after the switch with the same writes on
a database without it. Single writes come from pgbench, one transaction each, in the sample's workload and kind by kind; bulk writes are one
statement.
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import databases
from bench.results import Compared, Side, compare
from sample.server import EmbeddedServer

BAR = 1.15
WITHOUT, WITH, SWITCHED = "bench_without", "bench_with", "bench_switched"

#: Artworks whose ids, tokens and e-mails a load can compute from a number.
PREPARE = """
INSERT INTO public.users (email) SELECT 'bench' || n || '@example.com' FROM generate_series(1, {rows}) AS n;
INSERT INTO public.artworks (
  id, original_image_url, original_pet_mom_url, original_pet_url, generated_image_url, generation_status, pet_name, customer_name,
  customer_email, access_token, token_expires_at
)
SELECT
  lpad(n::text, 32, '0')::uuid, 'https://uploads.example/' || n, 'https://uploads.example/m' || n, 'https://uploads.example/p' || n,
  'https://images.example/' || n, 'completed', 'Rex', 'Ada', 'bench' || n || '@example.com', 'bench-token-' || n, now()
FROM generate_series(1, {rows}) AS n;
"""
#: The writes of the application, each with its share in the workload.
WRITES = {
    "insert artwork": (
        3,
        "INSERT INTO public.artworks (original_image_url, generation_status, pet_name, customer_name, customer_email, access_token)"
        " VALUES ('https://uploads.example/new', 'pending', 'Rex', 'Ada', 'bench' || :n || '@example.com', gen_random_uuid()::text);",
    ),
    "update status by id": (
        4,
        "UPDATE public.artworks SET generation_status = 'completed', generated_image_url = 'https://images.example/' || :m"
        " WHERE id = lpad(:n::text, 32, '0')::uuid;",
    ),
    "update by token": (2, "UPDATE public.artworks SET pet_name = 'Rex ' || :m WHERE access_token = 'bench-token-' || :n;"),
    "insert order": (
        1,
        "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents, status)"
        " VALUES (lpad(:n::text, 32, '0')::uuid, gen_random_uuid()::text, 4900, 'paid');",
    ),
    "update user": (1, "UPDATE public.users SET updated_at = now() WHERE email = 'bench' || :n || '@example.com';"),
}
#: Writes after the switch, with the columns of the clean table, and the write above that each is compared with.
WRITES_AFTER = {
    "insert after the switch": (
        "insert artwork",
        "INSERT INTO public.artworks (pet_mom_image_url, pet_image_url, pet_name, customer_name, customer_email, access_token)"
        " VALUES ('https://uploads.example/m', 'https://uploads.example/p', 'Rex', 'Ada', 'bench' || :n || '@example.com',"
        " gen_random_uuid()::text);",
    ),
    "update after the switch": ("update by token", WRITES["update by token"][1]),
}
#: One statement over many rows, and the statement that frees space for the next round.
BULK = {
    "update of {rows} rows": ("UPDATE public.artworks SET pet_name = 'Rex ' || {number} WHERE access_token LIKE 'bench-token-%'", ""),
    "insert of {rows} rows": (
        "INSERT INTO public.artworks (original_image_url, customer_name, customer_email, access_token)"
        " SELECT 'https://uploads.example/bulk', 'Ada', 'bulk' || n || '@example.com', 'bulk-' || n FROM generate_series(1, {rows}) AS n",
        "DELETE FROM public.artworks WHERE access_token LIKE 'bulk-%'",
    ),
}


@dataclass(frozen=True)
class Size:
    """How much is measured: rows to write to, transactions in a round, rounds, and for a bulk write its rows and rounds."""

    rows: int = 50_000
    transactions: int = 500
    rounds: int = 40
    bulk_rows: int = 200_000
    bulk_rounds: int = 5

    @classmethod
    def of(cls, rows: int) -> "Size":
        """Return the size for a legacy table of so many rows: this one for a million or more, a smaller one for fewer."""
        part = min(1.0, rows / 1_000_000)
        return cls(*(max(1, round(part * most)) for most in vars(cls()).values()))


def measure(on: EmbeddedServer, size: Size) -> Iterator[Compared]:
    """Create both databases of each kind, then measure single writes and bulk writes. Yields each result."""
    for name, rows in ((f"{WITHOUT}_single", size.rows), (f"{WITHOUT}_bulk", size.bulk_rows)):
        on.create_database(name)
        with psycopg.connect(databases.build(on, name, rows=2_000), autocommit=True) as connection:
            connection.execute(PREPARE.format(rows=rows))
            connection.execute("VACUUM (ANALYZE)")
        other = name.replace(WITHOUT, WITH)
        on.create_database(other, template=name)
        databases.deploy(on, other)
        with psycopg.connect(on.conninfo(other), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
    yield from _single(on, size)
    yield from _switched(on, size)
    yield from _bulk(on, size)


def _single(on: EmbeddedServer, size: Size) -> Iterator[Compared]:
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        scripts = {name: _script(Path(folder), name, write, size.rows) for name, (_, write) in WRITES.items()}
        mix = [f"{scripts[name]}@{share}" for name, (share, _) in WRITES.items()]
        loads = {"mix of single writes": mix, **{name: [str(script)] for name, script in scripts.items()}}
        for name, files in loads.items():
            sides = {"other": _pgbench(on, f"{WITHOUT}_single", files, size), "ours": _pgbench(on, f"{WITH}_single", files, size)}
            yield compare(name, "ms/write", **sides, rounds=size.rounds, bar=BAR)


def _switched(on: EmbeddedServer, size: Size) -> Iterator[Compared]:
    """Compare a database after the switch with one without the clean schema, each with its own columns for the same write."""
    name = f"{SWITCHED}_single"
    on.create_database(name, template=f"{WITH}_single")
    databases.fill(on, name)
    databases.switch_over(on, name)
    with psycopg.connect(on.conninfo(name), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        for load, (before, write) in WRITES_AFTER.items():
            files = {
                kind: str(_script(Path(folder), kind, words, size.rows)) for kind, words in ((before, WRITES[before][1]), (load, write))
            }
            sides = {
                "other": _pgbench(on, f"{WITHOUT}_single", [files[before]], size),
                "ours": _pgbench(on, name, [files[load]], size),
            }
            yield compare(load, "ms/write", **sides, rounds=size.rounds, bar=BAR)


def _script(folder: Path, name: str, write: str, rows: int) -> Path:
    path = folder / f"{name.replace(' ', '_')}.sql"
    path.write_text(f"\\set n random(1, {rows})\n\\set m random(1, 1000000)\n{write}\n", encoding="utf-8")
    return path


def _pgbench(on: EmbeddedServer, name: str, files: Sequence[str], size: Size) -> Side:
    """Return a measurement of milliseconds per transaction, of two clients with the same seed on both sides."""

    def run(number: int) -> float:
        _checkpoint(on)
        options = [
            "--no-vacuum",
            "--protocol=prepared",
            "--client=2",
            f"--transactions={size.transactions // 2}",
            f"--random-seed={number}",
        ]
        scripts = [f"--file={file}" for file in files]
        command = [str(on.binary("pgbench")), *options, *scripts, on.conninfo(name)]
        finished = subprocess.run(command, capture_output=True, text=True, check=True)
        (latency,) = re.findall(r"^latency average = ([\d.]+) ms$", finished.stdout, re.MULTILINE)
        return float(latency)

    return run


def _bulk(on: EmbeddedServer, size: Size) -> Iterator[Compared]:
    for name, (do, undo) in BULK.items():
        sides = {
            "other": _statement(on, f"{WITHOUT}_bulk", do, undo, size),
            "ours": _statement(on, f"{WITH}_bulk", do, undo, size),
        }
        yield compare(name.format(rows=f"{size.bulk_rows:,}"), "ms/statement", **sides, rounds=size.bulk_rounds, bar=BAR)


def _statement(on: EmbeddedServer, name: str, do: str, undo: str, size: Size) -> Side:
    """Return a measurement of milliseconds for one statement and its commit. Its space is freed outside the measured time."""

    def run(number: int) -> float:
        with psycopg.connect(on.conninfo(name), autocommit=True) as connection:
            _checkpoint(on)
            started = time.perf_counter()
            connection.execute(do.format(rows=size.bulk_rows, number=number))
            seconds = time.perf_counter() - started
            if undo:
                connection.execute(undo)
            connection.execute("VACUUM")
        return seconds * 1000

    return run


def _checkpoint(on: EmbeddedServer) -> None:
    """Write every dirty buffer, so that each half of a round starts with none."""
    with psycopg.connect(on.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")

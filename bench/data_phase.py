"""How long the data phase takes, beside statements that verify nothing, and the comparison of all rows beside a bare FULL JOIN.

Data phase: quarantine, users, copy, indexes, key, catch-up. It is compared with two statements that insert the same users and artworks
into a clean table with all its indexes and its key (the strategy), and with the floor: users, CREATE TABLE AS, and then the same indexes
and key. Each side has a new clone of one database, after a checkpoint. Run it as ``python -m bench.data_phase``; the exit code is 1 if a
bar was missed.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence

import psycopg

from bench import databases, machine
from bench.ratios import Compared, compare, report
from flows.migrate_data import copy_into_clean_table
from migration.ledger.phases import MIGRATE_DATA
from migration.sync import post_copy, reconcile
from sample.server import EmbeddedServer

#: The highest ratios allowed.
TO_THE_STRATEGY, TO_THE_FLOOR, TO_A_JOIN = 0.6, 1.8, 4.0
DEPLOYED, INDEXED, FILLED, CLONE = "bench_deployed", "bench_indexed", "bench_filled", "bench_clone"

USERS = """
INSERT INTO public.users (email, is_anonymous)
SELECT DISTINCT l.customer_email, TRUE FROM public.artworks AS l WHERE l.customer_email <> '' ON CONFLICT (email) DO NOTHING
"""
ELIGIBLE = """
SELECT
  l.id, u.id AS user_id, l.customer_name, l.customer_email, l.pet_name,
  COALESCE(l.original_pet_mom_url, 'migrated-missing') AS pet_mom_image_url,
  COALESCE(l.original_pet_url, 'migrated-missing') AS pet_image_url, l.generated_image_url, l.upscaled_image_url, l.generation_status,
  l.access_token, l.token_expires_at, l.created_at, l.updated_at
FROM public.artworks AS l INNER JOIN public.users AS u ON l.customer_email = u.email
WHERE l.access_token <> '' AND l.original_image_url NOT LIKE 'test-%' AND l.generation_status = 'completed'
"""
COLUMNS = (
    "id, user_id, customer_name, customer_email, pet_name, pet_mom_image_url, pet_image_url, generated_image_url, upscaled_image_url,"
    " generation_status, access_token, token_expires_at, created_at, updated_at"
)
INDEXES = "SELECT PG_GET_INDEXDEF(i.indexrelid) FROM pg_index AS i WHERE i.indrelid = 'public.artworks_v2'::regclass ORDER BY 1"
JOIN = "SELECT COUNT(*) FROM public.artworks AS a FULL JOIN public.artworks_v2 AS c ON a.id = c.id"


def prepare(on: EmbeddedServer, rows: int) -> list[str]:
    """Create what the sides are cloned from. Returns the definitions of the clean table's indexes."""
    databases.build(on, DEPLOYED, rows)
    databases.deploy(on, DEPLOYED)
    on.create_database(INDEXED, template=DEPLOYED)
    with databases.running(on, INDEXED, MIGRATE_DATA) as run:
        run.begin()
        list(post_copy.finish_table(run, print))
    on.create_database(FILLED, template=DEPLOYED)
    _data_phase(on, FILLED)
    with psycopg.connect(on.conninfo(INDEXED)) as connection:
        return [row[0] for row in connection.execute(INDEXES)]


def measure(on: EmbeddedServer, indexes: list[str], rows: int, rounds: int) -> list[Compared]:
    """Measure all sides on clones of what was prepared. A unit is a thousand legacy rows."""
    per_thousand = 1e6 / rows

    def timed(template: str, work: Callable[[EmbeddedServer, str], None]) -> Callable[[int], float]:
        return lambda _: per_thousand * _timed(on, template, work)

    def to_the_floor(on: EmbeddedServer, name: str) -> None:
        floor(on, name, indexes)

    ours = timed(DEPLOYED, _data_phase)
    return [
        compare("to the strategy", "k", without=timed(INDEXED, strategy), with_it=ours, rounds=rounds, bar=TO_THE_STRATEGY),
        compare("to the floor", "k", without=timed(DEPLOYED, to_the_floor), with_it=ours, rounds=rounds, bar=TO_THE_FLOOR),
        compare("comparison to a join", "k", without=timed(FILLED, _join), with_it=timed(FILLED, _compare), rounds=rounds, bar=TO_A_JOIN),
    ]


def _timed(on: EmbeddedServer, template: str, work: Callable[[EmbeddedServer, str], None]) -> float:
    on.create_database(CLONE, template=template)
    _execute(on, "postgres", "CHECKPOINT")
    begun = time.perf_counter()
    work(on, CLONE)
    seconds = time.perf_counter() - begun
    on.drop_database(CLONE)
    return seconds


def _data_phase(on: EmbeddedServer, name: str) -> None:
    with databases.running(on, name, MIGRATE_DATA) as run:
        run.begin()
        copy_into_clean_table(run)


def strategy(on: EmbeddedServer, name: str) -> None:
    """Insert the users and the eligible artworks into the clean table with all its indexes, by two statements."""
    _execute(on, name, "SET artwork_migration.apply = 'on'", USERS, f"INSERT INTO public.artworks_v2 ({COLUMNS}) {ELIGIBLE}")


def floor(on: EmbeddedServer, name: str, indexes: list[str]) -> None:
    """Create the users and a table of the eligible artworks, and then its indexes and its key: the least that the data phase must do."""
    made = [definition.replace("public.artworks_v2", "public.floor").replace("INDEX artworks_v2", "INDEX floor") for definition in indexes]
    times = ("generation_started_at", "generation_completed_at", "upscale_started_at", "upscale_completed_at")
    missing = ", ".join(f"ADD COLUMN {column} timestamptz" for column in times)
    columns = f"ALTER TABLE public.floor ADD COLUMN upscale_status text DEFAULT 'not_started', {missing}"
    key = "ALTER TABLE public.floor ADD FOREIGN KEY (user_id) REFERENCES public.users (id)"
    _execute(on, name, USERS, f"CREATE TABLE public.floor AS {ELIGIBLE}", columns, *made, key, "VACUUM (ANALYZE) public.floor")


def _join(on: EmbeddedServer, name: str) -> None:
    _execute(on, name, JOIN)


def _compare(on: EmbeddedServer, name: str) -> None:
    with databases.running(on, name, MIGRATE_DATA) as run:
        run.begin()
        reconcile.reconcile(run)


def _execute(on: EmbeddedServer, name: str, *statements: str) -> None:
    with psycopg.connect(on.conninfo(name), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code: 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.data_phase", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args(arguments)
    logging.disable(logging.INFO)
    with databases.server() as on:
        print(machine.describe(on.conninfo("postgres")))
        return report(measure(on, prepare(on, given.rows), given.rows, given.rounds))


if __name__ == "__main__":
    sys.exit(main())

"""How long the data phase takes, beside other ways to the same clean table, none of which verifies anything.

The data phase is quarantine, users, copy, indexes, key, catch-up. Every other way begins with one statement for the users:

- the strategy: one INSERT into a clean table with all its indexes and its key;
- the floor: CREATE TABLE AS, and then the same indexes and key;
- psycopack's method: batches with ON CONFLICT, one transaction each, into a table with its primary key only; then the other indexes,
  concurrently, and the key. psycopack itself refuses a table with triggers or with a key that is no integer, and copies every row as it is;
- pandas: `read_sql` and `to_sql` into the table of the strategy, with 50,000 rows.

Each side has a new clone of one database, after a checkpoint. A value is milliseconds for a thousand legacy rows.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

import pandas as pd
import psycopg
from sqlalchemy import Uuid, create_engine

from bench import databases
from bench.results import Compared, Side, against, measure_rounds
from flows.migrate_data import copy_into_clean_table
from migration.ledger.phases import MIGRATE_DATA
from migration.settings import database_url
from migration.sync import post_copy
from sample.server import EmbeddedServer

UNIT = "ms/1,000 rows"
#: The highest ratios of the data phase to each other way.
BARS = {"the strategy": 0.6, "the floor": 1.8, "psycopack's method": 1 / 2, "pandas": 1 / 20}
PANDAS_ROWS = 50_000
#: Some 8,000 rows. A batch of psycopack is a range of keys; a range of blocks is read faster.
BATCH_BLOCKS = 512

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
#: Writes to the clean table by hand are not written through to the legacy table.
APPLY = "artwork_migration.apply"
#: The columns of the clean table that no legacy column fills.
MISSING = (
    "upscale_status text DEFAULT 'not_started'",
    *(f"{name} timestamptz" for name in ("generation_started_at", "generation_completed_at", "upscale_started_at", "upscale_completed_at")),
)
KEY = "FOREIGN KEY (user_id) REFERENCES public.users (id)"
INDEXES = "SELECT PG_GET_INDEXDEF(i.indexrelid) FROM pg_index AS i WHERE i.indrelid = 'public.artworks_v2'::regclass ORDER BY 1"
BATCHES = f"""
CREATE TABLE public.other (LIKE public.artworks_v2 INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id));
CREATE TABLE public.batch AS
SELECT b.first, b.first + {BATCH_BLOCKS} AS after, FALSE AS finished
FROM generate_series(0, pg_relation_size('public.artworks') / 8192, {BATCH_BLOCKS}) AS b (first);
CREATE FUNCTION public.copy_batch(first tid, after tid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.other ({COLUMNS}) {ELIGIBLE} AND l.ctid >= first AND l.ctid < after ON CONFLICT DO NOTHING
$$
"""
BATCH = """
SELECT b.first, FORMAT('(%s,0)', b.first), FORMAT('(%s,0)', b.after) FROM public.batch AS b WHERE NOT b.finished LIMIT 1 FOR UPDATE
"""

Way = Callable[[EmbeddedServer, str], object]


def measure(on: EmbeddedServer, rows: int, rounds: int) -> Iterator[Compared]:
    """Compare the data phase with each other way; all of them are measured in each round."""
    whole, part = databases.deployed(on, rows), databases.deployed(on, min(rows, PANDAS_ROWS))
    with databases.cloned(on, part) as name:
        finish(on, name)
        indexes = definitions(on, name)
    sides = {
        "data phase": side(on, whole, rows, copy_with_checks),
        "the strategy": side(on, whole, rows, strategy, before=finish),
        "the floor": side(on, whole, rows, partial(floor, indexes=indexes)),
        "psycopack's method": side(on, whole, rows, partial(batches, indexes=indexes)),
        "pandas": side(on, part, min(rows, PANDAS_ROWS), frames, before=finish),
    }
    values = measure_rounds(sides, rounds)
    for name, bar in BARS.items():
        yield against(f"data phase to {name}", UNIT, values, other=name, ours="data phase", bar=bar)


def side(on: EmbeddedServer, template: str, rows: int, way: Way, before: Way = lambda on, name: None) -> Side:
    """Return the measurement of one way on a clone of the template, in milliseconds for a thousand rows; `before` is not measured."""

    def measured(_: int) -> float:
        with databases.cloned(on, template) as name:
            before(on, name)
            begun = time.perf_counter()
            way(on, name)
            return (time.perf_counter() - begun) * 1e6 / rows

    return measured


def finish(on: EmbeddedServer, name: str) -> None:
    """Create the indexes and the key of the empty clean table."""
    with databases.running(on, name, MIGRATE_DATA) as run:
        run.begin()
        list(post_copy.finish_table(run, print))


def definitions(on: EmbeddedServer, name: str) -> list[str]:
    """Return the definitions of the clean table's indexes, for a table `other`."""
    with psycopg.connect(on.conninfo(name)) as connection:
        rows = connection.execute(INDEXES).fetchall()
    return [row[0].replace("public.artworks_v2", "public.other").replace("INDEX artworks_v2", "INDEX other") for row in rows]


def copy_with_checks(on: EmbeddedServer, name: str) -> None:
    """Do what migrate_data does between its first gate and the comparison."""
    with databases.running(on, name, MIGRATE_DATA) as run:
        run.begin()
        copy_into_clean_table(run)


def strategy(on: EmbeddedServer, name: str) -> None:
    """Insert the users and the eligible artworks into the clean table with all its indexes, by two statements."""
    databases.execute(on, name, f"SET {APPLY} = 'on'", USERS, f"INSERT INTO public.artworks_v2 ({COLUMNS}) {ELIGIBLE}")


def floor(on: EmbeddedServer, name: str, indexes: list[str]) -> None:
    """Create the users and a table of the eligible artworks, and then its indexes and its key: the least that the data phase must do."""
    missing = f"ALTER TABLE public.other {', '.join(f'ADD COLUMN {column}' for column in MISSING)}"
    key = f"ALTER TABLE public.other ADD {KEY}"
    databases.execute(on, name, USERS, f"CREATE TABLE public.other AS {ELIGIBLE}", missing, *indexes, key, "VACUUM (ANALYZE) public.other")


def batches(on: EmbeddedServer, name: str, indexes: list[str]) -> None:
    """Copy the eligible artworks in batches, as psycopack copies a table, and then create the indexes and the key as it does."""
    databases.execute(on, name, USERS, BATCHES)
    with psycopg.connect(on.conninfo(name)) as connection:
        while batch := connection.execute(BATCH).fetchone():
            connection.execute("SELECT public.copy_batch(%s, %s)", batch[1:])
            connection.execute("UPDATE public.batch SET finished = TRUE WHERE first = %s", batch[:1])
            connection.commit()
    concurrently = [index.replace(" INDEX ", " INDEX CONCURRENTLY ") for index in indexes if "_pkey" not in index]
    key = (f"ALTER TABLE public.other ADD CONSTRAINT other_key {KEY} NOT VALID", "ALTER TABLE public.other VALIDATE CONSTRAINT other_key")
    databases.execute(on, name, *concurrently, *key, "ANALYZE public.other")


def frames(on: EmbeddedServer, name: str) -> None:
    """Insert the users by one statement, read the eligible artworks into a data frame, and append it to the clean table."""
    databases.execute(on, name, f"SET {APPLY} = 'on'", USERS)
    engine = create_engine(database_url(on.url(name)), connect_args={"options": f"-c {APPLY}=on"}, hide_parameters=True)
    frame = pd.read_sql(ELIGIBLE.replace("%", "%%"), engine)
    frame.to_sql("artworks_v2", engine, schema="public", if_exists="append", index=False, dtype={"id": Uuid(), "user_id": Uuid()})
    engine.dispose()

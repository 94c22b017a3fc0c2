"""Builds the legacy database in an empty one: schema, then data, then the objects that depend on both."""

from enum import StrEnum
from pathlib import Path

import psycopg

from sample.names import people

HERE = Path(__file__).parent


class Variant(StrEnum):
    """The kinds of deployment; some of their differences exclude each other."""

    CURRENT = "current"
    OLDER = "older"
    MINIMAL = "minimal"


# In this order: keys after the rows, because that is many times faster.
STEPS: dict[Variant, tuple[str, ...]] = {
    Variant.CURRENT: (
        "schema/roles", "schema/claims", "schema/users", "schema/artworks_current", "data/customers", "data/users", "data/artworks",
        "data/artworks_current", "schema/keys_current", "schema/orders", "data/orders", "schema/dependents", "schema/policies",
        "schema/publication",
    ),
    Variant.OLDER: (
        "schema/roles", "schema/claims", "schema/users", "schema/artworks_older", "data/customers", "data/users", "data/artworks",
        "data/artworks_older", "schema/keys_older", "schema/orders", "data/orders", "schema/dependents", "schema/policies",
    ),
    Variant.MINIMAL: (
        "schema/roles", "schema/artworks_minimal", "data/customers", "data/artworks", "data/artworks_minimal", "schema/keys_minimal",
        "schema/orders", "data/orders", "schema/dependents",
    ),
}  # fmt: skip


def build_sample(conninfo: str, variant: Variant, rows: int = 20_000, seed: int = 1) -> None:
    """Fill an existing, empty database in one transaction. The same seed gives the same rows, except for their times."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET LOCAL jit = off")
        connection.execute("SET LOCAL work_mem = '128MB'")
        connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
        _load_people(connection, rows, seed)
        for step in STEPS[variant]:
            _run(connection, step)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")


def _run(connection: psycopg.Connection, step: str) -> None:
    text = (HERE / f"{step}.sql").read_text(encoding="utf-8")
    connection.execute(text)


def _load_people(connection: psycopg.Connection, rows: int, seed: int) -> None:
    connection.execute("CREATE TEMP TABLE sample_parameter (seed bigint, artworks bigint)")
    connection.execute("INSERT INTO sample_parameter VALUES (%s, %s)", (seed, rows))
    connection.execute(
        "CREATE TEMP TABLE sample_person (number int, locale int, left_name text, right_name text, mailbox text, domain text, pet text)"
    )
    with connection.cursor() as cursor, cursor.copy("COPY sample_person FROM STDIN") as copy:
        for person in people(seed):
            copy.write_row(person)
    connection.execute("ANALYZE sample_person")

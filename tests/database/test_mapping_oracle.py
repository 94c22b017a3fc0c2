"""Every row ends where an oracle says that has read the rules and none of the statements: the sample's rows, and invented ones."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql as pgsql
from psycopg.rows import dict_row

from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tests.artworks import add_legacy, verdict
from tests.conftest import MakeShop
from tests.databases import Shop, catch_up_now, copy, deploy, migrate
from tests.oracle import LONGEST_INDEXED, Outcome, Surroundings, blank, clean_row, outcomes, too_long
from tests.series import LONG, first, series

ADA, BOB = UUID(int=1), UUID(int=2)
USERS = {"ada@example.com": ADA, "bob@example.com": BOB}


class Invented(NamedTuple):
    """A legacy row, and what is done with it."""

    values: dict[str, Any]
    ordered: bool
    touched: bool
    late: bool


def _rows(shop: Shop, table: str, also: str = "") -> list[dict[str, Any]]:
    """All rows of a table, the times in the database's own writing."""
    columns = shop.rows(
        "SELECT attname, atttypid = 'timestamptz'::regtype FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        table,
    )
    names = ", ".join(f"{name}::text AS {name}" if is_time else name for name, is_time in columns)
    with shop.sql.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT {names}{also} FROM {table} ORDER BY id").fetchall()


def _legacy_rows(shop: Shop) -> list[dict[str, Any]]:
    epochs = ", EXTRACT(EPOCH FROM created_at) AS created_epoch, EXTRACT(EPOCH FROM updated_at) AS updated_epoch"
    return _rows(shop, "public.artworks", epochs)


def _surroundings(shop: Shop) -> Surroundings:
    return Surroundings(
        now=shop.value("SELECT EXTRACT(EPOCH FROM NOW())"),
        users=dict(shop.rows("SELECT email, id FROM public.users")),
        referenced={artwork for (artwork,) in shop.rows("SELECT artwork_id FROM public.orders")},
        touched={artwork for (artwork,) in shop.rows("SELECT id FROM artwork_migration.clean_modified")},
    )


def _assert_as_the_oracle_says(shop: Shop) -> Counter[Outcome]:
    """Each row's outcome, each clean row's values, the counts that reconcile has written; returns those."""
    rows, around = _legacy_rows(shop), _surroundings(shop)
    expected = outcomes(rows, around)
    found = {identity: Outcome(*rest) for identity, *rest in shop.rows("SELECT id, verdict, reason FROM artwork_migration.verdict")}
    assert expected == found
    migrated = [clean_row(row, around) for row in rows if expected[row["id"]].verdict == "match"]
    assert migrated == _rows(shop, "public.artworks_v2")
    counted = (
        "SELECT verdict, reason, row_count FROM artwork_migration.reconciliation"
        " WHERE run = (SELECT MAX(run) FROM artwork_migration.reconciliation)"
    )
    assert Counter(expected.values()) == {Outcome(verdict, reason): count for verdict, reason, count in shop.rows(counted)}
    assert {row["customer_email"] for row in rows if not blank(row["customer_email"]) and not too_long(row["customer_email"])} <= set(
        around.users
    )
    return Counter(expected.values())


# The sample


@pytest.mark.parametrize(
    ("variant", "reasons"),
    [
        (Variant.CURRENT, {"test_data", "no_email", "no_access_token", "in_flight", "abandoned", "not_completed"}),
        (
            Variant.OLDER,
            {"test_data", "no_email", "no_access_token", "in_flight", "abandoned", "not_completed"}
            | {"duplicate_access_token", "no_created_at"},
        ),
        (Variant.MINIMAL, {"test_data", "no_email", "no_access_token", "in_flight", "abandoned", "not_completed"}),
    ],
)
@first(1)
def test_every_row_of_the_sample(make_shop: MakeShop, variant: Variant, reasons: set[str]) -> None:
    """In each variant every row is migrated as the oracle's mapping says, or stays behind for its reason; all reasons occur."""
    shop = make_shop(variant, phase="DEPLOYED")
    migrate(shop)
    counts = _assert_as_the_oracle_says(shop)
    assert counts[Outcome("match")] > 1_000
    assert reasons == {outcome.reason for outcome in counts} - {""}


# Invented rows


@pytest.fixture(scope="module")
def loose(server: EmbeddedServer) -> Iterator[Shop]:
    """The template: production without a row, and without the constraints that would keep odd rows out."""
    shop = Shop(server, "template_loose")
    server.create_database(shop.name)
    build_sample(server.conninfo(shop.name), Variant.CURRENT, rows=1)
    shop.sql.execute("""
        DELETE FROM public.artworks;
        DELETE FROM public.users;
        ALTER TABLE public.artworks
          DROP CONSTRAINT artworks_access_token_key,
          DROP CONSTRAINT artworks_generation_status_check,
          DROP CONSTRAINT artworks_upscale_status_check,
          ALTER original_image_url DROP NOT NULL,
          ALTER customer_name DROP NOT NULL,
          ALTER customer_email DROP NOT NULL;
    """)
    deploy(shop)
    for email, user in USERS.items():
        shop.sql.execute("INSERT INTO public.users (id, email) VALUES (%s, %s)", (user, email))
    shop.close()
    yield shop
    server.drop_database(shop.name)


_NUMBERS = itertools.count(1)


@contextmanager
def _clone(template: Shop) -> Iterator[Shop]:
    shop = Shop(template.server, f"invented_{next(_NUMBERS)}")
    shop.server.create_database(shop.name, template=template.name)
    try:
        yield shop
    finally:
        shop.close()
        shop.server.drop_database(shop.name)


#: What stands for a megabyte in a row, so that a failing test can show the row.
HUGE = {"a million x": "x" * 1_000_000, "a megabyte of paws": "🐾" * 262_144}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
ODD_TEXT = st.sampled_from(
    [
        None, "", " ", "\t", "\r\n", "\u00a0", "O'Hara \"B\"", "back\\slash \\. \\N", "100 % :colon %s {brace} $$", "Zoe\u0301", "مريم",
        "\u202eright to left", "🐾👩‍👩‍👧", "\ufeff", "null", "migrated-missing", *HUGE,
    ]
)  # fmt: skip
EMAILS = st.sampled_from(
    [
        *[None] * 4, "", "  ", "\t\n", "\r", "\u00a0", "\v", *["ada@example.com"] * 8, "Ada@Example.com", " ada@example.com",
        "bob@example.com",
        "o'hara\\%:s@example.com", "zoe\u0301@example.com", "zoé@example.com", "🐾@example.com",
        "x" * LONGEST_INDEXED, "x" * (LONGEST_INDEXED + 1), "é" * LONGEST_INDEXED,
    ]
)  # fmt: skip
#: Few enough that rows share them.
TOKENS = st.sampled_from(
    [None, "", " ", "\t\r\n", "\u00a0", *"aaaaaabbbbbbcccc", "A", "a ", "'", "\\", "%", "x" * LONGEST_INDEXED, "x" * (LONGEST_INDEXED + 1)]
)
ORIGINALS = st.sampled_from(
    [None, "", "test-", "test-pending", "TEST-1", " test-1", "test_1", "latest-1", "test", "te\u0301st-", "C:\\fakepath\\test-1.jpg"]
)
GENERATION = st.sampled_from(["completed"] * 16 + [None, "", "pending", "processing", "failed", "Completed", "completed ", "done"])
KNOWN_UPSCALE = st.sampled_from([None, "pending", "pending", "processing", "completed", "failed", "not_required"])
UPSCALE = KNOWN_UPSCALE | KNOWN_UPSCALE | st.sampled_from(["not_started", "PENDING", ""])
#: Nothing is near the age at which work in flight counts as abandoned.
TIMES = st.sampled_from(
    [
        None, "now", "-infinity", "infinity", "4713-01-02 00:00:00+00 BC", "0044-03-15 12:00:00+00 BC", "2020-01-01", "2020-01-01",
        "2024-02-29 23:59:59.999999+00", "2024-02-29 23:59:59.999999+14", "2024-02-29 23:59:59.9999995+00",
        "294276-12-31 23:59:59.999999+00",
    ]
)  # fmt: skip
KNOWN_TIMES = TIMES.filter(lambda time: time is not None)
ROWS = st.builds(
    Invented,
    values=st.fixed_dictionaries(
        {
            "id": st.uuids(),
            "user_id": st.sampled_from([None, None, ADA, BOB]),
            "customer_email": EMAILS | TEXT,
            "access_token": TOKENS | TOKENS | TEXT,
            "original_image_url": ORIGINALS | TEXT | TEXT,
            "generation_status": GENERATION,
            "upscale_status": UPSCALE,
            "created_at": KNOWN_TIMES | TIMES,
            "updated_at": KNOWN_TIMES | TIMES,
            "upscaled_at": TIMES,
            "token_expires_at": TIMES,
            **dict.fromkeys(("customer_name", "pet_name", "original_pet_mom_url", "original_pet_url"), ODD_TEXT | TEXT),
            **dict.fromkeys(("generated_image_url", "upscaled_image_url"), ODD_TEXT),
        }
    ),
    ordered=st.integers(0, 4).map(lambda number: number == 0),
    touched=st.integers(0, 2).map(lambda number: number == 0),
    late=st.booleans(),
)


def _insert(shop: Shop, rows: Sequence[Invented]) -> None:
    """The rows with COPY, the orders that reference them, and the clean side's mark."""
    if not rows:
        return
    names = list(rows[0].values)
    statement = pgsql.SQL("COPY public.artworks ({}) FROM STDIN").format(pgsql.SQL(", ").join(map(pgsql.Identifier, names)))
    with shop.sql.cursor() as cursor, cursor.copy(statement) as copying:
        for row in rows:
            copying.write_row([HUGE.get(row.values[name], row.values[name]) for name in names])
    for row in rows:
        artwork = row.values["id"]
        if row.ordered:
            statement = "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents, status) VALUES (%s, %s, 100, 'paid')"
            shop.sql.execute(statement, (artwork, str(artwork)))
        if row.touched:
            shop.sql.execute("INSERT INTO artwork_migration.clean_modified (id) VALUES (%s)", (artwork,))


DEFECTS = ("duplicate_access_token", "no_created_at", "no_updated_at", "unknown_status", "no_email", "no_access_token", "too_long_to_index")
#: Every way for a row to end; the invented rows must meet them all.
ENDS = {
    *(Outcome("excluded", reason) for reason in ("test_data", "no_email", "no_access_token", "in_flight", "abandoned", "not_completed")),
    *(Outcome("quarantined", reason) for reason in DEFECTS),
    Outcome("match"),
}


@pytest.mark.parametrize("examples", series([16, 60], {16}))
@LONG
def test_invented_rows(loose: Shop, examples: int) -> None:
    """Any row, taken by the backfill or by catch-up, ends where the oracle's rules say, with every value kept."""
    seen: Counter[Outcome] = Counter()

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate], report_multiple_bugs=False)
    @given(rows=st.lists(ROWS, min_size=20, max_size=40, unique_by=lambda row: row.values["id"]))
    def check(rows: list[Invented]) -> None:
        with _clone(loose) as shop:
            _insert(shop, [row for row in rows if not row.late])
            copy(shop)
            _insert(shop, [row for row in rows if row.late])
            migrate(shop)
            seen.update(_assert_as_the_oracle_says(shop))
            assert shop.value("SELECT COUNT(*) FROM artwork_migration.legacy_change") == 0

    check()
    assert ENDS == set(seen), seen


@pytest.mark.parametrize("column", ["customer_email", "access_token"])
def test_a_touched_row_that_loses_what_the_clean_table_needs(make_shop: MakeShop, column: str) -> None:
    """A row that the clean side works with waits in quarantine if legacy takes its e-mail or token away."""
    shop = make_shop(Variant.OLDER, phase="MIGRATED")
    artwork = add_legacy(shop)
    catch_up_now(shop)
    shop.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    shop.sql.execute(f"UPDATE public.artworks SET {column} = NULL WHERE id = %s", (artwork,))
    catch_up_now(shop)
    assert "quarantined" == verdict(shop, artwork)


def test_an_email_that_just_fits_into_legacys_index(make_shop: MakeShop) -> None:
    """The longest e-mail that the legacy table's own index takes does not stop the migration."""
    shop = make_shop(phase="DEPLOYED")
    artwork = add_legacy(shop, customer_email=Random(1).randbytes(1_345).hex() + "@x")  # noqa: S311 (it must not compress, that is all)
    migrate(shop)
    assert "quarantined" == verdict(shop, artwork)

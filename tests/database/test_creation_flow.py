"""The strategy's creation flow, with the same calls in every phase; and artwork_schema_for, which says what serves."""

from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from sample.server import EmbeddedServer
from tests.artworks import add_order
from tests.conftest import MakeShop
from tests.databases import Shop
from tests.phase_databases import PHASES, clean_table, in_phase
from tests.series import LONG

CREATE = (
    "SELECT (artwork).id, access_token FROM create_artwork(customer_name => 'Jane Doe', customer_email => 'jane@example.com',"
    " pet_name => 'Buddy', pet_mom_image_url => 'https://uploadthing.com/mom', pet_image_url => 'https://uploadthing.com/pet')"
)
#: Steps 3 to 6, what the customer sees after each, and what the legacy table says of it while that serves.
STEPS = [
    ('{"generation_status": "processing", "fal_request_id": "fal_123"}', "processing", ("processing", None, "not_required", None)),
    (
        '{"generation_status": "completed", "generated_image_url": "https://fal.ai/result.jpg"}',
        "completed, ready for prints",
        ("completed", "https://fal.ai/result.jpg", "not_required", None),
    ),
    ('{"upscale_status": "processing"}', "completed, high-res in progress", ("completed", "https://fal.ai/result.jpg", "processing", None)),
    (
        '{"upscale_status": "completed", "upscaled_image_url": "https://fal.ai/upscaled.jpg"}',
        "completed, high-res available",
        ("completed", "https://fal.ai/result.jpg", "completed", "https://fal.ai/upscaled.jpg"),
    ),
]
SERVED = "SELECT generation_status, generated_image_url, upscale_status, upscaled_image_url FROM artworks WHERE id = %s"
TIMES = (
    "SELECT generation_started_at <= generation_completed_at AND generation_completed_at <= upscale_started_at"
    " AND upscale_started_at <= upscale_completed_at FROM {} WHERE id = %s"
)


@pytest.mark.parametrize("phase", PHASES)
def test_the_flow_is_the_same_in_every_phase(make_shop: MakeShop, phase: str, tmp_path: Path) -> None:
    """From creation to the order's page each step shows at once in the customer view, the link and the serving table, in every phase."""
    walk(in_phase(make_shop, phase, tmp_path), phase)


@LONG
def test_and_on_postgres_16(make_shop: MakeShop, server_16: EmbeddedServer, tmp_path: Path) -> None:
    """The creation flow works before and after the switch and the rollback on Postgres 16."""
    walk(in_phase(make_shop, "ROLLED_BACK", tmp_path, on=server_16), "ROLLED_BACK")


def walk(shop: Shop, phase: str) -> None:
    """The whole flow, with an order at its end and one at its beginning."""
    application = shop.session(role="service_role", autocommit=True)
    artwork, token = ask(application, CREATE)[0]
    early = add_order(shop, artwork)
    assert "waiting to start" == stage(application, artwork)
    for changes, words, legacy_says in STEPS:
        assert [(artwork,)] == ask(
            application, "SELECT id FROM update_artwork_lifecycle(artwork_id => %s, changes => %s)", artwork, changes
        )
        assert words == stage(application, artwork)
        served = ask(application, SERVED, artwork)[0]
        assert (legacy_says if clean_table(phase) == "artworks_v2" else clean_says(legacy_says)) == served
    assert [(artwork,)] == ask(application, "SELECT id FROM get_artwork_by_token(access_token => %s)", token)
    assert [(True,)] == ask(application, TIMES.format(clean_table(phase)), artwork)
    for order in (early, add_order(shop, artwork)):
        session = shop.value("SELECT stripe_session_id FROM orders WHERE id = %s", order)
        page = "SELECT order_id, artwork_id, pet_name, generated_image_url FROM get_order_with_artwork(%s)"
        assert [(order, artwork, "Buddy", "https://fal.ai/result.jpg")] == ask(application, page, session)


def clean_says(legacy_says: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """The clean table has a word of its own for what nobody has asked for."""
    return tuple("not_started" if value == "not_required" else value for value in legacy_says)


def stage(application: psycopg.Connection[Any], artwork: UUID) -> str:
    """What the customer reads of it."""
    listed = ask(application, "SELECT id, stage FROM get_customer_artworks(customer_email => 'jane@example.com')")
    return str(dict(listed)[artwork])


def ask(application: psycopg.Connection[Any], question: str, *parameters: object) -> list[tuple[Any, ...]]:
    """All rows of a question of the application's."""
    return application.execute(question, parameters or None).fetchall()  # type: ignore[call-overload,no-any-return]  # made of this test's own names


@pytest.mark.parametrize("phase", PHASES)
def test_the_schema_of_a_customer(make_shop: MakeShop, phase: str, tmp_path: Path) -> None:
    """artwork_schema_for says legacy until the switch and after a rollback, and clean for customers who were moved, in any spelling."""
    shop = in_phase(make_shop, phase, tmp_path)
    if phase != "CLEANED":
        shop.sql.execute(
            "WITH move AS (INSERT INTO artwork_migration.customer_move VALUES (1, 'clean', 0, 0, TRUE))"
            " INSERT INTO artwork_migration.customer_move_key (key, run) SELECT artwork_migration.customer_key(e.email), 1"
            " FROM UNNEST(ARRAY['moved@example.com', 'Other@X.example ']) AS e (email)"
        )
    serves = "clean" if clean_table(phase) == "artworks" else "legacy"
    asked = ("moved@example.com", "\tMoved@example.com", "other@x.example", "OTHER@X.EXAMPLE\n", "other@example.com", "jane")
    application = shop.session(role="service_role", autocommit=True)
    found = [ask(application, "SELECT artwork_schema_for(customer_email => %s)", email)[0][0] for email in asked]
    assert ["clean"] * 4 + [serves] * 2 == found
    for nothing in (None, "", " "):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            application.execute("SELECT artwork_schema_for(%s)", (nothing,))

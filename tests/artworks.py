"""Artworks for a test to work on, and short ways to look at them and at the log."""

from typing import Any
from uuid import UUID, uuid4

from psycopg import sql as pgsql

from tests.databases import Shop

#: What every variant's legacy table takes, and the rules call eligible.
COMPLETED = {
    "customer_name": "Ada",
    "pet_name": "Rex",
    "original_image_url": "https://uploads.example/mom",
    "original_pet_mom_url": "https://uploads.example/mom",
    "original_pet_url": "https://uploads.example/pet",
    "generated_image_url": "https://images.example/1.jpg",
    "generation_status": "completed",
}
CLEAN = {
    "customer_name": "Ada",
    "pet_name": "Rex",
    "pet_mom_image_url": "https://uploads.example/mom",
    "pet_image_url": "https://uploads.example/pet",
    "generation_status": "completed",
}


def add_legacy(shop: Shop, **columns: object) -> UUID:
    """Insert an eligible artwork into the legacy table, with an e-mail and a token of its own; returns its id."""
    return _insert(shop, "artworks", {**COMPLETED, **_own(), **columns})


def add_clean(shop: Shop, **columns: object) -> UUID:
    """Insert an artwork into the clean table, as the application would; returns its id."""
    return _insert(shop, "artworks_v2", {**CLEAN, **_own(), **columns})


def relax_clean_names(shop: Shop) -> None:
    """Let the clean table take a missing name, which the legacy table rejects: somebody has dropped the rule that was carried over."""
    shop.sql.execute("ALTER TABLE public.artworks_v2 ALTER customer_name DROP NOT NULL")


def add_user(shop: Shop, email: str) -> UUID:
    """Sign a user up; returns the id."""
    return shop.value("INSERT INTO public.users (email) VALUES (%s) RETURNING id", email)


def add_order(shop: Shop, artwork: UUID) -> UUID:
    """Place a paid order for an artwork; returns its id."""
    return shop.value(
        "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents, status) VALUES (%s, %s, 100, 'paid') RETURNING id",
        artwork,
        str(uuid4()),
    )


def legacy(shop: Shop, artwork: UUID, column: str) -> Any:
    """One value of a legacy row, None where there is no such row."""
    return shop.value(f"SELECT {column} FROM public.artworks WHERE id = %s", artwork)


def clean(shop: Shop, artwork: UUID, column: str) -> Any:
    """One value of a clean row, None where there is no such row."""
    return shop.value(f"SELECT {column} FROM public.artworks_v2 WHERE id = %s", artwork)


def verdict(shop: Shop, artwork: UUID) -> str | None:
    """What reconcile says of one artwork."""
    return shop.value("SELECT verdict FROM artwork_migration.verdict WHERE id = %s", artwork)


def empty_log(shop: Shop) -> None:
    """Forget what setting things up has logged."""
    shop.sql.execute("DELETE FROM artwork_migration.legacy_change")
    shop.sql.execute("DELETE FROM artwork_migration.indirect_change")


def logged(shop: Shop) -> list[list[UUID]]:
    """The log: the ids of each row, sorted, in the order they were written."""
    return [sorted(ids) for (ids,) in shop.rows("SELECT ids FROM artwork_migration.legacy_change ORDER BY changed_at, ctid")]


def pending(shop: Shop) -> set[UUID]:
    """The artworks that catch-up has still to check."""
    return {artwork for (artwork,) in shop.rows("SELECT id FROM artwork_migration.pending_artwork")}


def rejected_writes(shop: Shop) -> list[tuple[object, ...]]:
    """What the legacy table has refused: id, operation, SQLSTATE and object."""
    return shop.rows("SELECT id, operation, sql_state, object FROM artwork_migration.rejected_write ORDER BY id")


def _own() -> dict[str, object]:
    identity = uuid4()
    return {"id": identity, "customer_email": f"{identity}@example.com", "access_token": f"token-{identity}"}


def _insert(shop: Shop, table: str, row: dict[str, object]) -> UUID:
    statement = pgsql.SQL("INSERT INTO public.{} ({}) VALUES ({}) RETURNING id").format(
        pgsql.Identifier(table), pgsql.SQL(", ").join(map(pgsql.Identifier, row)), pgsql.SQL(", ").join(pgsql.Placeholder() * len(row))
    )
    found = shop.sql.execute(statement, list(row.values())).fetchone()
    assert found is not None
    return UUID(str(found[0]))

"""The callers of a database by role and token, and a shop of a few rows in which each may see some and not others."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql as pgsql

from tests.artworks import add_legacy, add_order, add_user
from tests.databases import Shop

#: A role that nobody has granted anything: what it may, everybody may.
NEWCOMER = "exposure_newcomer"
#: The owner of the legacy table and of the materialized view on it, which is no superuser and owns nothing else.
OWNER = "exposure_owner"
APPLICATION_ROLES = ("anon", "authenticated", "service_role", NEWCOMER)

#: What a careless administrator has set for the whole database, not for one schema: every new object is handed out by name.
HANDED_OUT = "".join(
    f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO {', '.join(APPLICATION_ROLES)}, PUBLIC;"
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS", "SCHEMAS", "TYPES")
)

#: Access of each kind that the sample has not: a restrictive policy, and one that shows something to callers who have not signed in.
_MORE_ACCESS = f"""
ALTER TABLE public.artworks OWNER TO {OWNER};
ALTER MATERIALIZED VIEW public.artwork_sales OWNER TO {OWNER};
GRANT SELECT ON public.orders TO {OWNER};
GRANT USAGE ON SCHEMA auth TO {OWNER};
CREATE POLICY "Hidden artworks" ON public.artworks AS RESTRICTIVE FOR SELECT USING (pet_name IS DISTINCT FROM 'Hidden');
CREATE POLICY "Visitors view famous artworks" ON public.artworks FOR SELECT TO anon USING (pet_name = 'Famous');
"""


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: a role, and the claims of their token. Those of one name are the same somebody in every phase."""

    role: str
    user: str | None = None
    name: str = ""

    @property
    def claims(self) -> str:
        """As PostgREST would set them."""
        return json.dumps({"role": self.role, **({"sub": self.user} if self.user else {})})


@contextmanager
def acting_as(shop: Shop, caller: Caller) -> Iterator[psycopg.Connection[Any]]:
    """A session as this caller."""
    shop.sql.execute("SELECT SET_CONFIG('request.jwt.claims', %s, FALSE)", (caller.claims,))
    shop.sql.execute(pgsql.SQL("SET ROLE {}").format(pgsql.Identifier(caller.role)))
    try:
        yield shop.sql
    finally:
        shop.sql.execute("RESET ROLE")


def add_roles(shop: Shop) -> None:
    """The roles of these tests, which belong to the whole server and go with it."""
    for role in (NEWCOMER, OWNER):
        if not shop.value("SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            shop.sql.execute(pgsql.SQL("CREATE ROLE {}").format(pgsql.Identifier(role)))


@dataclass(frozen=True)
class FewRows:
    """The registered users of a shop of a few rows."""

    owning: UUID
    gaining: UUID
    neither: UUID


def few_rows(shop: Shop) -> FewRows:
    """Leave a handful of rows: owned, without an owner but with a user of that e-mail, with nobody; each with one that stays behind."""
    add_roles(shop)
    shop.sql.execute("TRUNCATE public.artworks, public.users, public.orders, public.order_status_history")
    shop.sql.execute(_MORE_ACCESS)
    owning, gaining, neither = (add_user(shop, f"{name}@users.example") for name in ("owning", "gaining", "neither"))
    ordered = [
        add_legacy(shop, pet_name="Rex", customer_email="owning@users.example", user_id=owning),
        add_legacy(shop, pet_name="Max", customer_email="gaining@users.example"),
        add_legacy(shop, pet_name="Famous"),
        add_legacy(shop, pet_name="Luna"),
    ]
    add_legacy(shop, pet_name="Hidden", customer_email="owning@users.example", user_id=owning)
    add_legacy(shop, pet_name="Bo", customer_email="gaining@users.example")
    for columns in (
        {"customer_email": "owning@users.example", "user_id": owning},
        {"customer_email": "gaining@users.example"},
        {"pet_name": "Famous"},
    ):
        add_legacy(shop, generation_status="failed", **columns)
    for artwork in ordered:
        order = add_order(shop, artwork)
        shop.sql.execute("INSERT INTO public.order_status_history (order_id, status) VALUES (%s, 'paid')", (order,))
    shop.sql.execute("REFRESH MATERIALIZED VIEW public.artwork_sales; ANALYZE")
    return FewRows(owning, gaining, neither)


def all_callers(shop: Shop, users: FewRows) -> list[Caller]:
    """Every role of the application, the legacy table's owner, each kind of user, and a user that we have created if there is one."""
    created = None
    if shop.value("SELECT TO_REGCLASS('artwork_migration.created_user') IS NOT NULL"):
        created = shop.value("SELECT id::text FROM artwork_migration.created_user ORDER BY id LIMIT 1")
    signed_in = {
        "owning": str(users.owning),
        "gaining": str(users.gaining),
        "neither": str(users.neither),
        "created": created or "00000000-0000-0000-0000-000000000000",
    }
    return [
        *(Caller(role, name=role) for role in (*APPLICATION_ROLES, OWNER)),
        *(Caller("authenticated", user, name=name) for name, user in signed_in.items()),
    ]


def visible(shop: Shop, caller: Caller, query: str) -> frozenset[str]:
    """The first column of all rows that the caller gets, empty if the query is not allowed."""
    with acting_as(shop, caller) as session, session.transaction():
        try:
            with session.transaction():
                return frozenset(row[0] for row in session.execute(query))  # type: ignore[call-overload]  # made of a test's own names
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
            return frozenset()

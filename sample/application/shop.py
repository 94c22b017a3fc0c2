"""What the workers share: the artworks they know, and which worker may write which part of one.

A part (a group of columns) of an artwork has one writer at a time, from before its statement until its commit is in the journal. So the
last acknowledged value is known. Other workers may write other parts of the same artwork at that time, on either side.
"""

import random
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

import psycopg

from sample.application.layout import Layout
from sample.journal_entry import Side

HOT = 40
TRIES = 15
KNOWN_AT_START = 1500
ACCOUNTS_AT_START = 200


class Part(StrEnum):
    """A group of columns that one worker writes at a time."""

    LIFECYCLE = "lifecycle"
    PET = "pet"
    CUSTOMER = "customer"
    EMAIL = "email"
    TOKEN = "token"  # noqa: S105 (the name of a column group)
    MOCKUPS = "mockups"
    ORDER = "order"


EVERYTHING = frozenset(Part)


@dataclass(eq=False)
class Artwork:
    """An artwork as this process last knew it. `upscale` is 'none' until an upscale begins, in every deployment."""

    id: str
    email: str
    generation: str = "pending"
    upscale: str = "none"
    has_token: bool = True  # and no other artwork has the same one
    test: bool = False
    ordered: bool = False
    origin: Side = Side.LEGACY

    @property
    def sellable(self) -> bool:
        """Whether a customer can order the artwork."""
        return self.generation == "completed" and self.has_token and bool(self.email.strip()) and not self.test


class Shop:
    """The artworks and accounts that the workers know. Half of the picks are from a few hot artworks, so that workers compete. Thread-safe.

    A shop whose artworks have no owner has no accounts, even after a migration has created the table users.
    """

    def __init__(self, *, has_accounts: bool) -> None:
        self.has_accounts = has_accounts
        self._lock = threading.Lock()
        self._known: list[Artwork] = []
        self._hot: list[Artwork] = []
        self._held: set[tuple[str, str]] = set()
        self._accounts: dict[str, str] = {}

    def add(self, artwork: Artwork) -> None:
        with self._lock:
            self._known.append(artwork)
            if len(self._hot) < HOT:
                self._hot.append(artwork)

    def remove(self, artwork: Artwork) -> None:
        """Remove an artwork that is deleted, or whose state this process no longer knows."""
        with self._lock:
            for artworks in (self._known, self._hot):
                if artwork in artworks:
                    artworks.remove(artwork)

    def pick(self, chance: random.Random, parts: Collection[Part], fits: Callable[[Artwork], bool] = lambda _: True) -> Artwork | None:
        """Hold `parts` of a random artwork until `release`; None if no artwork was found that fits and is free."""
        with self._lock:
            for _ in range(TRIES):
                artworks = self._hot if self._hot and chance.random() < 0.5 else self._known
                if not artworks:
                    return None
                artwork = chance.choice(artworks)
                wanted = {(artwork.id, part.value) for part in parts}
                if fits(artwork) and not wanted & self._held:
                    self._held |= wanted
                    return artwork
        return None

    def release(self, identity: str, parts: Collection[Part]) -> None:
        with self._lock:
            self._held -= {(identity, part.value) for part in parts}

    def some_id(self, chance: random.Random) -> str | None:
        with self._lock:
            return chance.choice(self._known).id if self._known else None

    def some_email(self, chance: random.Random) -> str | None:
        with self._lock:
            return chance.choice(self._known).email.strip() or None if self._known else None

    def hold_account(self, email: str) -> bool:
        with self._lock:
            if (email, "account") in self._held:
                return False
            self._held.add((email, "account"))
            return True

    def release_account(self, email: str) -> None:
        with self._lock:
            self._held.discard((email, "account"))

    def pick_account(self, chance: random.Random) -> tuple[str, str] | None:
        """Hold the account of a random e-mail until `release_account`; return the e-mail and the user's id."""
        with self._lock:
            free = [item for item in self._accounts.items() if (item[0], "account") not in self._held]
            if not free:
                return None
            email, user = chance.choice(free)
            self._held.add((email, "account"))
            return email, user

    def open_account(self, email: str, user: str) -> None:
        with self._lock:
            self._accounts[email] = user

    def close_account(self, email: str) -> None:
        with self._lock:
            self._accounts.pop(email, None)


def load_shop(connection: psycopg.Connection, layout: Layout, seed: int) -> Shop:
    """Load some of the artworks and accounts in the database, the same ones for the same seed."""
    shop = Shop(has_accounts=layout.has_owners)
    _load_artworks(shop, connection, layout, seed)
    if shop.has_accounts:
        registered = "WHERE NOT is_anonymous" if layout.knows_anonymous_users else ""
        query = f"SELECT email, id::text FROM public.users {registered} ORDER BY hashtextextended(id::text, %s) LIMIT %s"
        for email, user in connection.execute(query, (seed, ACCOUNTS_AT_START)):
            shop.open_account(email, user)
    return shop


def _load_artworks(shop: Shop, connection: psycopg.Connection, layout: Layout, seed: int) -> None:
    upscale = "a.upscale_status" if layout.has_upscaling else "NULL"
    first_upload = "a.original_image_url" if layout.serving is Side.LEGACY else "NULL"
    query = f"""
        SELECT
            a.id::text,
            coalesce(a.customer_email, ''),
            coalesce(a.generation_status, ''),
            CASE WHEN {upscale} IN ('processing', 'completed', 'failed') THEN {upscale} ELSE 'none' END,
            coalesce(btrim(a.access_token), '') <> ''
            AND NOT EXISTS (SELECT FROM public.artworks AS b WHERE b.access_token = a.access_token AND b.id <> a.id),
            coalesce({first_upload}, '') LIKE 'test-%%',
            EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = a.id)
        FROM (
            SELECT * FROM public.artworks WHERE created_at IS NOT NULL ORDER BY hashtextextended(id::text, %s) LIMIT %s
        ) AS a
    """
    for row in connection.execute(query, (seed, KNOWN_AT_START)):
        shop.add(Artwork(*row))

"""What the workers share: the artworks they know, and who may write which part of one at the moment.

A part (a group of columns) of an artwork has one writer at any time, from before its statement until its commit is in the journal;
so the last acknowledged value is known. Other parts of the same artwork are free for others meanwhile, on either side: that is what
the application is for.
"""

import random
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

import psycopg

from sample.application.layout import Layout
from sample.entry import Side

HOT = 40
TRIES = 15
KNOWN_AT_START = 1500
ACCOUNTS_AT_START = 200


class Part(StrEnum):
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
    """As this process last knew it. `upscale` is 'none' until somebody asks for it, whatever the deployment calls that."""

    id: str
    email: str
    generation: str = "pending"
    upscale: str = "none"
    has_token: bool = True  # and nobody else has the same one
    test: bool = False
    ordered: bool = False
    born: Side = Side.LEGACY

    @property
    def sellable(self) -> bool:
        return self.generation == "completed" and self.has_token and bool(self.email.strip()) and not self.test


class Shop:
    """Thread-safe. Some artworks are hot: picked half of the time, so that workers meet.

    A shop whose artworks have no owner keeps no accounts, even if a migration brings a table for them.
    """

    def __init__(self, *, keeps_accounts: bool) -> None:
        self.keeps_accounts = keeps_accounts
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
        """Deleted, or in a state this process cannot know any more."""
        with self._lock:
            for among in (self._known, self._hot):
                if artwork in among:
                    among.remove(artwork)

    def pick(self, chance: random.Random, parts: Collection[Part], fits: Callable[[Artwork], bool] = lambda _: True) -> Artwork | None:
        """Hold `parts` of an artwork until `release`; None if none was found that fits and is free."""
        with self._lock:
            for _ in range(TRIES):
                among = self._hot if self._hot and chance.random() < 0.5 else self._known
                if not among:
                    return None
                artwork = chance.choice(among)
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
        """Hold an e-mail and its user's id."""
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


def open_shop(connection: psycopg.Connection, layout: Layout, seed: int) -> Shop:
    """Knows some artworks and accounts of those that are there, the same ones for the same seed."""
    shop = Shop(keeps_accounts=layout.has_owners)
    _learn_artworks(shop, connection, layout, seed)
    if shop.keeps_accounts:
        registered = "WHERE NOT is_anonymous" if layout.knows_anonymous_users else ""
        query = f"SELECT email, id::text FROM public.users {registered} ORDER BY hashtextextended(id::text, %s) LIMIT %s"
        for email, user in connection.execute(query, (seed, ACCOUNTS_AT_START)):
            shop.open_account(email, user)
    return shop


def _learn_artworks(shop: Shop, connection: psycopg.Connection, layout: Layout, seed: int) -> None:
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

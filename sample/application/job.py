"""A job: one transaction of the application, what it holds, and what its commit changes in the shop."""

import random
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import psycopg

from sample.application.layout import Layout
from sample.application.shop import Artwork, Part, Shop
from sample.journal_entry import JournalEntry, Side

Cursor: TypeAlias = psycopg.Cursor[tuple[object, ...]]

NAMES = ("Jane Doe", "Zoë O'Hara", "Søren Ødegård", "Łucja Żak", "Анна Ежова", "Νίκος", "山田 花子", "مريم", "רות", 'Bo "B" Q', "🐾 Kim 🐾")
PETS = ("Buddy", "Max", "Luna", "Žofka", "Барсик", "ポチ", "كيتي", "🐶", "O'Malley")


@dataclass
class Job:
    """One transaction. `perform` may run several times and returns None if there is nothing to do; `after_commit` and `release` follow."""

    side: Side
    kind: str
    perform: Callable[[Cursor], JournalEntry | None]
    after_commit: Callable[[], None]
    release: Callable[[], None]
    artworks: tuple[Artwork, ...] = ()


@dataclass
class Context:
    """What a worker makes jobs from. A careful worker makes no write that the database must refuse."""

    shop: Shop
    layout: Layout
    chance: random.Random
    careful: bool

    def identity(self) -> str:
        """Return a new id."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def word(self) -> str:
        """Return a new word, so that no two writes are equal."""
        return f"{self.chance.getrandbits(64):016x}"

    def pet(self) -> str:
        return f"{self.chance.choice(PETS)} {self.word()}"

    def customer(self) -> str:
        return f"{self.chance.choice(NAMES)} {self.word()}"

    def email(self) -> str:
        """Return the e-mail of a known customer or a new one."""
        email = self.shop.some_email(self.chance) if self.chance.random() < 0.4 else None
        return email or self.fresh_email()

    def fresh_email(self) -> str:
        return f"shopper.{self.word()}@example.com"

    def url(self, folder: str) -> str:
        return f"https://{folder}.example/{self.word()}"

    def hold(self, parts: Collection[Part], fits: Callable[[Artwork], bool] = lambda _: True) -> Artwork | None:
        return self.shop.pick(self.chance, parts, fits)

    def releasing(self, artwork: Artwork, parts: Collection[Part]) -> Callable[[], None]:
        identity = artwork.id
        return lambda: self.shop.release(identity, parts)


def nothing() -> None:
    """Do nothing, for a job that changes nothing in the shop or holds nothing."""

"""One transaction of the application, made ready: what it holds, does, and means for the shop."""

import random
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import psycopg

from sample.application.layout import Layout
from sample.application.shop import Artwork, Part, Shop
from sample.entry import Entry, Side

Cursor: TypeAlias = psycopg.Cursor[tuple[object, ...]]

NAMES = ("Jane Doe", "Zoë O'Hara", "Søren Ødegård", "Łucja Żak", "Анна Ежова", "Νίκος", "山田 花子", "مريم", "רות", 'Bo "B" Q', "🐾 Kim 🐾")
PETS = ("Buddy", "Max", "Luna", "Žofka", "Барсик", "ポチ", "كيتي", "🐶", "O'Malley")


@dataclass
class Job:
    """`perform` may run several times; None from it means that there was nothing to do. `settle` after the commit, then `release`."""

    side: Side
    kind: str
    perform: Callable[[Cursor], Entry | None]
    settle: Callable[[], None]
    release: Callable[[], None]
    artworks: tuple[Artwork, ...] = ()


@dataclass
class Desk:
    """What a worker makes jobs with; `chance` is the worker's own. Who is careful does nothing that the database must refuse."""

    shop: Shop
    layout: Layout
    chance: random.Random
    careful: bool

    def identity(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def word(self) -> str:
        """Never the same twice, so that no write passes for another."""
        return f"{self.chance.getrandbits(64):016x}"

    def pet(self) -> str:
        return f"{self.chance.choice(PETS)} {self.word()}"

    def customer(self) -> str:
        return f"{self.chance.choice(NAMES)} {self.word()}"

    def email(self) -> str:
        """A customer who comes back, or a new one."""
        known = self.shop.some_email(self.chance) if self.chance.random() < 0.4 else None
        return known or self.fresh_email()

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
    """For a write that changes nothing the shop remembers."""

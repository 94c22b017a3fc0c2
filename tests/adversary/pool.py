"""What the connections of one writer know together: ids that are likely to exist, and ids that existed. The database decides."""

import itertools
import random
import threading
from collections import deque
from collections.abc import Iterable

from tests.adversary.journal import Effect

#: E-mails that many artworks and users share, so that users and artworks meet.
EMAILS = tuple(f"hot{number}@adversary.example" for number in range(30))
#: Artworks that writers compete for, and how many of the writer's own are kept.
HOT, OWN = 16, 16


class Pool:
    """Ids by what can be done with them. `hot` artworks have orders; `own` ones never have, so they can be deleted and get other ids.

    Every other new artwork is left alone after its insert: no later write then makes up for one that was missed.
    """

    def __init__(self, hot: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._hot = list(hot)
        self._own: deque[str] = deque(maxlen=OWN)
        self._left: deque[str] = deque(maxlen=OWN)
        self._moved: set[str] = set()
        self._orders: deque[str] = deque(maxlen=OWN)
        self.newest_email = EMAILS[0]
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """Return a number that no other value of this writer has."""
        with self._lock:
            return next(self._numbers)

    def some(self, chance: random.Random, amount: int = 1, *, own: bool = False) -> list[str]:
        """Return different ids in a random order; with `own` only of artworks without orders."""
        with self._lock:
            known = [*self._own] if own else [*self._hot, *self._own]
        return chance.sample(known, min(amount, len(known)))

    def hot(self, chance: random.Random) -> str:
        """Return an artwork that may be ordered."""
        return chance.choice(self._hot)

    def left(self, chance: random.Random, *, free: bool = False) -> str | None:
        """Return an id that an artwork had: it was deleted, or has another id now. With `free` no id of the latter."""
        with self._lock:
            known = [key for key in self._left if not (free and key in self._moved)]
        return chance.choice(known) if known else None

    def order(self, chance: random.Random) -> str | None:
        """Return an order of this writer."""
        with self._lock:
            return chance.choice(self._orders) if self._orders else None

    def learn(self, effects: Iterable[Effect]) -> None:
        """Take over what a committed transaction has done."""
        with self._lock:
            for name, key, rest in effects:
                if name == "insert":
                    self.newest_email = rest["values"]["customer_email"]
                if name == "insert" and key not in self._own and int(key[-1], 16) % 2:
                    self._own.append(key)
                elif name in ("delete", "move"):
                    self._left.append(key)
                    self._moved |= {key} if name == "move" else set()
                    self._own = deque((rest.get("to", "") if known == key else known for known in self._own), OWN)
                    self._own = deque(filter(None, self._own), OWN)
                elif name == "order":
                    self._orders.append(key)

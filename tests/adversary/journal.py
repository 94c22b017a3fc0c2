"""The journal of the adversarial writer: what each transaction does, written before its commit, and what became of it.

A transaction writes its line while it holds the locks of its rows, so two lines about one row are in the order of their commits. It also
inserts the number of the line into a table of its own: that tells the outcome of a commit that was never acknowledged. (The server would
not: after a crash it gives the id of a transaction whose records were lost to another one.) A replay of the committed lines is what the
database must hold.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Where the numbers of the lines are.
OUTCOMES = "adversary.outcome"
#: One effect: its name, the id it is about, and the rest by name.
Effect = tuple[str, str, dict[str, Any]]


class Journal:
    """The file, in which threads write."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self._number = 0

    def intend(self, effects: list[Effect]) -> int:
        """Write what a transaction is about to commit; return the number of its line."""
        with self._lock:
            self._number += 1
            self._write({"n": self._number, "effects": effects})
            return self._number

    def outcome(self, number: int, *, committed: bool) -> None:
        """Write that the transaction was committed, or rolled back."""
        with self._lock:
            self._write({"n": number, "committed": committed})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


@dataclass
class Intent:
    """One line: its number, its effects, and whether it was committed; None where no acknowledgement came."""

    number: int
    effects: list[Effect]
    committed: bool | None = None


def read_journal(path: Path) -> list[Intent]:
    """Return the transactions in the order in which they were written."""
    intents: dict[int, Intent] = {}
    for text in path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else ():
        if not text.endswith("\n"):
            continue  # half written
        line = json.loads(text)
        if "committed" in line:
            intents[line["n"]].committed = line["committed"]
        else:
            intents[line["n"]] = Intent(line["n"], [(name, key, rest) for name, key, rest in line["effects"]])
    return [intents[number] for number in sorted(intents)]


@dataclass
class State:
    """What the database must hold. `broken` says where a condition of a statement did not hold when it took effect."""

    rows: dict[str, dict[str, str | None]]
    orders: dict[str, str]
    users: dict[str, str]
    written: set[str] = field(default_factory=set)
    clean_written: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    _followed_by: dict[str, str] = field(default_factory=dict)

    def apply(self, effects: list[Effect]) -> None:
        """Apply the effects of a committed transaction."""
        for name, key, rest in effects:
            getattr(self, f"_{name}")(key, **rest)

    def _find(self, key: str) -> str:
        """Return the id that the artwork has now: a write on the clean side may name an id that the legacy row no longer has."""
        seen = set()
        while key not in self.rows and key in self._followed_by and key not in seen:
            seen.add(key)
            key = self._followed_by[key]
        return key

    def _set(self, key: str, values: Mapping[str, str | None], clean: bool = False) -> None:
        key = self._find(key)
        if key in self.rows:
            self.rows[key].update(values)
            self._mark(key, clean)

    def _insert(self, key: str, values: Mapping[str, str | None], clean: bool = False) -> None:
        self.rows[key] = dict(values)
        self._mark(key, clean)

    def _mark(self, key: str, clean: bool) -> None:
        self.written.add(key)
        if clean:
            self.clean_written.add(key)

    def _delete(self, key: str) -> None:
        key = self._find(key)
        self.rows.pop(key, None)
        self.orders = {order: artwork for order, artwork in self.orders.items() if artwork != key}

    def _move(self, key: str, to: str) -> None:
        if key in self.rows:
            self.rows[to] = self.rows.pop(key)
            self._followed_by[key] = to
            self._followed_by.pop(to, None)
            self._mark(to, key in self.clean_written)

    def _expect(self, key: str, values: Mapping[str, str | None]) -> None:
        has = self.rows.get(key, {})
        self.broken += [f"condition: artwork {key}, {name}" for name, value in values.items() if has.get(name, value) != value]

    def _order(self, key: str, artwork: str) -> None:
        self.orders[key] = artwork

    def _order_deleted(self, key: str) -> None:
        self.orders.pop(key, None)

    def _orders_truncated(self, key: str) -> None:
        self.orders.clear()

    def _user(self, key: str, email: str) -> None:
        self.users = {user: known for user, known in self.users.items() if known != email}
        self.users[key] = email

    def _user_deleted(self, key: str) -> None:
        self.users.pop(key, None)

    def _user_email(self, key: str, email: str) -> None:
        if key in self.users:
            self.users[key] = email


def committed(intents: list[Intent]) -> Iterator[list[Effect]]:
    """Yield the effects of every committed transaction."""
    return (intent.effects for intent in intents if intent.committed)

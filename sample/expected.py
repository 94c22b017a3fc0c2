"""What the journals say the database must hold: replayed in their order, the last acknowledged value of each column."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sample.entry import Entry, Side


@dataclass(frozen=True)
class Written:
    """A value and the side it was written on, whose vocabulary it is in."""

    side: Side
    value: str | None


@dataclass
class Expected:
    """For each column the values it may have: one, or more where a write is in doubt, because its acknowledgement never came."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    in_doubt: int = 0
    values: dict[str, dict[str, list[Written]]] = field(default_factory=dict)
    born: dict[str, Side] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    orders: dict[str, str] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    deleted_users: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)  # artworks and users that may be there or not


def replay(journals: Iterable[Path]) -> Expected:
    """Journals of one application after the other, in the order they were written."""
    expected = Expected()
    for journal in journals:
        for entry, committed in _entries(journal):
            if committed:
                expected.acknowledged[f"{entry.side.value}/{entry.kind}"] += 1
                _apply(expected, entry)
            else:
                expected.in_doubt += 1
                _doubt(expected, entry)
    return expected


def _entries(journal: Path) -> Iterator[tuple[Entry, bool]]:
    """In the order of the acknowledgements; one in doubt comes where it was intended, before its writer's next."""
    intents: dict[int, Entry] = {}
    lines = list(journal_lines(journal))
    outcomes = {line["n"] for line in lines if "outcome" in line}
    for line in lines:
        number = line["n"]
        if "intent" in line:
            intents[number] = Entry.from_json(line["intent"])
            if number not in outcomes:
                yield intents[number], False
        elif line["outcome"] == "committed":
            yield intents[number], True


def journal_lines(journal: Path) -> Iterator[dict[str, Any]]:
    with journal.open(encoding="utf-8") as file:
        for text in file:
            if text.endswith("\n"):  # the last one may be half written
                yield json.loads(text)


def _apply(expected: Expected, entry: Entry) -> None:
    for identity, columns in entry.values.items():
        row = expected.values.setdefault(identity, {})
        row.update({column: [Written(entry.side, value)] for column, value in columns.items()})
    for identity in entry.born:
        expected.born[identity] = entry.side
        expected.unknown.discard(identity)
    for old, new in entry.rekeyed:
        expected.values[new] = expected.values.pop(old, {})
        expected.born[new] = entry.side
        _forget(expected, old)
    for identity in entry.deleted:
        _forget(expected, identity)
    expected.orders |= entry.orders
    expected.users |= set(entry.users)
    expected.deleted_users -= set(entry.users)
    expected.users -= set(entry.deleted_users)
    expected.deleted_users |= set(entry.deleted_users)
    expected.unknown -= {*entry.users, *entry.deleted_users}


def _forget(expected: Expected, identity: str) -> None:
    expected.values.pop(identity, None)
    expected.born.pop(identity, None)
    expected.unknown.discard(identity)
    expected.deleted.add(identity)


def _doubt(expected: Expected, entry: Entry) -> None:
    for identity, columns in entry.values.items():
        row = expected.values.setdefault(identity, {})
        for column, value in columns.items():
            if column in row:
                row[column].append(Written(entry.side, value))
    for old, new in entry.rekeyed:
        expected.unknown |= {old, new}
    expected.unknown |= {*entry.born, *entry.deleted, *entry.users, *entry.deleted_users}

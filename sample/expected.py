"""What the database must hold by the journals: the last acknowledged value of each column, after a replay in their order."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sample.journal_entry import JournalEntry, Side


@dataclass(frozen=True)
class Written:
    """A value, and the side that it was written to. Statuses are in the vocabulary of that side."""

    side: Side
    value: str | None


@dataclass
class Expected:
    """The expected state. A column has one possible value, or more if a write is in doubt because its acknowledgement is missing."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    in_doubt: int = 0
    values: dict[str, dict[str, list[Written]]] = field(default_factory=dict)
    created: dict[str, Side] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    orders: dict[str, str] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    deleted_users: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)  # artworks and users that may exist or not


def replay(journals: Iterable[Path]) -> Expected:
    """Replay the journals of applications that ran one after the other, in that order."""
    expected = Expected()
    for journal in journals:
        for entry, committed in _entries(journal):
            if committed:
                expected.acknowledged[f"{entry.side.value}/{entry.kind}"] += 1
                _apply(expected, entry)
            else:
                expected.in_doubt += 1
                _apply_in_doubt(expected, entry)
    return expected


def _entries(journal: Path) -> Iterator[tuple[JournalEntry, bool]]:
    """Yield the entries in the order of their acknowledgements, and whether each is committed.

    An entry in doubt comes at its intent, before the next entry of the same worker.
    """
    intents: dict[int, JournalEntry] = {}
    lines = list(journal_lines(journal))
    outcomes = {line["n"] for line in lines if "outcome" in line}
    for line in lines:
        number = line["n"]
        if "intent" in line:
            intents[number] = JournalEntry.from_json(line["intent"])
            if number not in outcomes:
                yield intents[number], False
        elif line["outcome"] == "committed":
            yield intents[number], True


def journal_lines(journal: Path) -> Iterator[dict[str, Any]]:
    """Yield the complete lines of a journal."""
    with journal.open(encoding="utf-8") as file:
        for text in file:
            if text.endswith("\n"):  # the last one may be half written
                yield json.loads(text)


def _apply(expected: Expected, entry: JournalEntry) -> None:
    for identity, columns in entry.values.items():
        row = expected.values.setdefault(identity, {})
        row.update({column: [Written(entry.side, value)] for column, value in columns.items()})
    for identity in entry.created:
        expected.created[identity] = entry.side
        expected.unknown.discard(identity)
    for old, new in entry.key_changes:
        expected.values[new] = expected.values.pop(old, {})
        expected.created[new] = entry.side
        _remove(expected, old)
    for identity in entry.deleted:
        _remove(expected, identity)
    expected.orders |= entry.orders
    expected.users |= set(entry.users)
    expected.deleted_users -= set(entry.users)
    expected.users -= set(entry.deleted_users)
    expected.deleted_users |= set(entry.deleted_users)
    expected.unknown -= {*entry.users, *entry.deleted_users}


def _remove(expected: Expected, identity: str) -> None:
    expected.values.pop(identity, None)
    expected.created.pop(identity, None)
    expected.unknown.discard(identity)
    expected.deleted.add(identity)


def _apply_in_doubt(expected: Expected, entry: JournalEntry) -> None:
    for identity, columns in entry.values.items():
        row = expected.values.setdefault(identity, {})
        for column, value in columns.items():
            if column in row:
                row[column].append(Written(entry.side, value))
    for old, new in entry.key_changes:
        expected.unknown |= {old, new}
    expected.unknown |= {*entry.created, *entry.deleted, *entry.users, *entry.deleted_users}

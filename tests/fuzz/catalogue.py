"""The catalogue of changes: blocks of SQL in ``changes/``, one file for each kind."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

_BLOCK = re.compile(r"^-- name: (?P<name>\w+)\n", re.MULTILINE)
_HEADER = re.compile(r"^-- (?P<key>What|At|Decide|Words|Switched|Written): (?P<value>.*)$")


class Moment(StrEnum):
    """When a change is made: before the first verb, after a phase was reached, or while rows are copied."""

    BEFORE = "before"
    DEPLOYED = "deployed"
    COPYING = "copying"
    MIGRATED = "migrated"
    SWITCHED = "switched"


@dataclass(frozen=True)
class Change:
    """One change of the sample.

    `what` says it in words; `decide` is a decision that goes with it; `words` is SQL for a remedy that the product gives in words only;
    `switched` is SQL for after the switch; `written` is a query for what that wrote as the application would: id, column, value.
    """

    name: str
    kind: str
    what: str
    text: str
    at: Moment = Moment.BEFORE
    decide: str = ""
    words: str = ""
    switched: str = ""
    written: str = ""


@cache
def catalogue() -> dict[str, Change]:
    """Return every change by its name. Raises ValueError if two have one name, or one does not say what it is."""
    changes = [change for path in sorted((Path(__file__).parent / "changes").glob("*.sql")) for change in _changes(path)]
    by_name = {change.name: change for change in changes}
    if len(by_name) < len(changes):
        raise ValueError("two changes have the same name")
    return by_name


def _changes(path: Path) -> list[Change]:
    _, *parts = _BLOCK.split(path.read_text(encoding="utf-8"))
    return [_change(path.stem, name, text) for name, text in zip(parts[::2], parts[1::2], strict=True)]


def _change(kind: str, name: str, text: str) -> Change:
    lines = text.strip().splitlines()
    header: dict[str, str] = {}
    while match := _HEADER.match(lines[0]):
        header[match["key"].lower()] = match["value"]
        lines.pop(0)
    return Change(
        name,
        kind,
        header["what"],
        "\n".join(lines),
        Moment(header.get("at", "before")),
        header.get("decide", ""),
        header.get("words", ""),
        header.get("switched", ""),
        header.get("written", ""),
    )

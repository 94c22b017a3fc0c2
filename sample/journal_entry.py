"""A journal entry: what one transaction of the application writes. It is an intent before the commit, and acknowledged after it.

Columns have the legacy table's names; columns of the clean table alone have their own. Statuses are stored as they are. Every other value
is stored as a digest, so that the journal holds no address and no token. An intent without an acknowledgement may be committed or not.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

STATUS_COLUMNS = frozenset({"generation_status", "upscale_status"})


class Side(StrEnum):
    """The table that a transaction writes to."""

    LEGACY = "legacy"
    CLEAN = "clean"


@dataclass(frozen=True)
class JournalEntry:
    """One transaction: values by artwork id, the artworks and users that it creates or deletes, orders by id, key changes (old, new)."""

    side: Side
    kind: str
    values: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    created: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    key_changes: tuple[tuple[str, str], ...] = ()
    orders: Mapping[str, str] = field(default_factory=dict)
    users: tuple[str, ...] = ()
    deleted_users: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object without its empty fields."""
        fields = {name: value for name, value in vars(self).items() if value}
        return {**fields, "side": self.side.value, "kind": self.kind}

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> "JournalEntry":
        """Return the entry that `to_json` has written."""
        return cls(
            side=Side(line["side"]),
            kind=line["kind"],
            values=line.get("values", {}),
            created=tuple(line.get("created", ())),
            deleted=tuple(line.get("deleted", ())),
            key_changes=tuple((old, new) for old, new in line.get("key_changes", ())),
            orders=line.get("orders", {}),
            users=tuple(line.get("users", ())),
            deleted_users=tuple(line.get("deleted_users", ())),
        )


def digests(values: Mapping[str, object]) -> dict[str, str | None]:
    """Return the digest of each value by column."""
    return {column: digest(column, value) for column, value in values.items()}


def digest(column: str, value: object) -> str | None:
    """Return a digest that is equal for a value as sent and as psycopg reads it back, in any time zone of the session."""
    if value is None:
        return None
    if column in STATUS_COLUMNS:
        return str(value)
    if isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat(timespec="microseconds")
    elif isinstance(value, dict | list):
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    else:
        text = str(value)
    return hashlib.sha256(text.encode()).hexdigest()[:24]

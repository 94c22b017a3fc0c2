"""What the application writes down about a transaction: before its commit as an intent, after it as acknowledged.

Columns carry the legacy table's names; those that only the clean table has, their own. Statuses stand as they are, every other value as a
digest, so that the journal holds no address and no token. An intent without an acknowledgement may or may not have happened.
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
    LEGACY = "legacy"
    CLEAN = "clean"


@dataclass(frozen=True)
class Entry:
    """One transaction: values by artwork id, and what was born, ordered, deleted or got another key in it."""

    side: Side
    kind: str
    values: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    born: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    rekeyed: tuple[tuple[str, str], ...] = ()
    orders: Mapping[str, str] = field(default_factory=dict)
    users: tuple[str, ...] = ()
    deleted_users: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        named = {name: value for name, value in vars(self).items() if value}
        return {**named, "side": self.side.value, "kind": self.kind}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Entry":
        return cls(
            side=Side(found["side"]),
            kind=found["kind"],
            values=found.get("values", {}),
            born=tuple(found.get("born", ())),
            deleted=tuple(found.get("deleted", ())),
            rekeyed=tuple((old, new) for old, new in found.get("rekeyed", ())),
            orders=found.get("orders", {}),
            users=tuple(found.get("users", ())),
            deleted_users=tuple(found.get("deleted_users", ())),
        )


def digests(values: Mapping[str, object]) -> dict[str, str | None]:
    return {column: digest(column, value) for column, value in values.items()}


def digest(column: str, value: object) -> str | None:
    """The same for a value as it was sent and as psycopg reads it back, whatever the session's time zone."""
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

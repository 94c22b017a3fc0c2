"""The records of the application: the journal while it runs, the summary at its end."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from sample.journal_entry import JournalEntry, Side


class Journal:
    """The journal, as JSON lines that are flushed one by one. Thread-safe.

    `intend` comes before the commit. `acknowledge` comes after it, with the times at which the transaction began and ended; `abandon` if
    the server refused it.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._file: IO[str] | None = path.open("w", encoding="utf-8") if path else None
        self._number = 0

    def intend(self, entry: JournalEntry) -> int:
        with self._lock:
            self._number += 1
            self._write({"n": self._number, "intent": entry.to_json()})
            return self._number

    def acknowledge(self, number: int, began: float) -> None:
        with self._lock:
            self._write({"n": number, "outcome": "committed", "began": began, "ended": time.time()})

    def abandon(self, number: int) -> None:
        with self._lock:
            self._write({"n": number, "outcome": "refused"})

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


class Statistics:
    """Counts by side and kind, without values. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._committed: Counter[tuple[Side, str]] = Counter()
        self._idle: Counter[tuple[Side, str]] = Counter()
        self._errors: Counter[tuple[str, str]] = Counter()
        self._retried: Counter[str] = Counter()
        self._longest: tuple[float, str] = (0.0, "")
        self._last_side: dict[str, Side] = {}
        self._both_sides: set[str] = set()
        self._crossings = 0

    def committed(self, entry: JournalEntry, seconds: float) -> None:
        with self._lock:
            self._committed[entry.side, entry.kind] += 1
            self._longest = max(self._longest, (seconds, entry.kind))
            for artwork in {*entry.values, *entry.deleted}:
                if self._last_side.get(artwork, entry.side) is not entry.side:
                    self._both_sides.add(artwork)
                    self._crossings += 1
                self._last_side[artwork] = entry.side

    def idle(self, side: Side, kind: str) -> None:
        """Count a transaction that wrote nothing, because the row is missing or behind."""
        with self._lock:
            self._idle[side, kind] += 1

    def failed(self, kind: str, sqlstate: str, seconds: float) -> None:
        with self._lock:
            self._errors[sqlstate, kind] += 1
            self._longest = max(self._longest, (seconds, kind))

    def retried_with_success(self, sqlstates: Iterable[str]) -> None:
        """Count errors whose retry succeeded."""
        with self._lock:
            self._retried.update(sqlstates)

    def summary(self) -> dict[str, Any]:
        with self._lock:
            seconds, longest = self._longest
            return {
                "transactions": self._committed.total(),
                "committed": _by_side(self._committed),
                "idle": _by_side(self._idle),
                "errors": self._errors_by_sqlstate(),
                "both_sides": {"artworks": len(self._both_sides), "writes_after_the_other_side": self._crossings},
                "longest_transaction": {"seconds": round(seconds, 4), "kind": longest},
            }

    def _errors_by_sqlstate(self) -> dict[str, dict[str, Any]]:
        errors: dict[str, dict[str, Any]] = {}
        for (sqlstate, kind), count in sorted(self._errors.items()):
            error = errors.setdefault(sqlstate, {"seen": 0, "retried_with_success": self._retried[sqlstate], "kinds": {}})
            error["seen"] += count
            error["kinds"][kind] = count
        return errors


def _by_side(counts: Counter[tuple[Side, str]]) -> dict[str, dict[str, int]]:
    return {side.value: {kind: n for (where, kind), n in sorted(counts.items()) if where == side} for side in Side}

"""What leaves the process: the journal while it runs, the summary at its end."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from sample.entry import Entry, Side


class Journal:
    """JSON lines, each flushed. `intend` before the commit, `acknowledge` after it, with when the transaction began and when it was
    acknowledged; `abandon` if the server said no. Thread-safe.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._file: IO[str] | None = path.open("w", encoding="utf-8") if path else None
        self._number = 0

    def intend(self, entry: Entry) -> int:
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


class Figures:
    """Counts by side and kind; no values. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._committed: Counter[tuple[Side, str]] = Counter()
        self._idle: Counter[tuple[Side, str]] = Counter()
        self._errors: Counter[tuple[str, str]] = Counter()
        self._overcome: Counter[str] = Counter()
        self._longest: tuple[float, str] = (0.0, "")
        self._last_side: dict[str, Side] = {}
        self._both_sides: set[str] = set()
        self._crossings = 0

    def committed(self, entry: Entry, seconds: float) -> None:
        with self._lock:
            self._committed[entry.side, entry.kind] += 1
            self._longest = max(self._longest, (seconds, entry.kind))
            for artwork in {*entry.values, *entry.deleted}:
                if self._last_side.get(artwork, entry.side) is not entry.side:
                    self._both_sides.add(artwork)
                    self._crossings += 1
                self._last_side[artwork] = entry.side

    def idle(self, side: Side, kind: str) -> None:
        """The statement met no row, or one that is behind: nothing was written."""
        with self._lock:
            self._idle[side, kind] += 1

    def failed(self, kind: str, sqlstate: str, seconds: float) -> None:
        with self._lock:
            self._errors[sqlstate, kind] += 1
            self._longest = max(self._longest, (seconds, kind))

    def overcome(self, sqlstates: Iterable[str]) -> None:
        """The attempt after these errors went well."""
        with self._lock:
            self._overcome.update(sqlstates)

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
        found: dict[str, dict[str, Any]] = {}
        for (sqlstate, kind), count in sorted(self._errors.items()):
            told = found.setdefault(sqlstate, {"seen": 0, "retried_with_success": self._overcome[sqlstate], "kinds": {}})
            told["seen"] += count
            told["kinds"][kind] = count
        return found


def _by_side(counts: Counter[tuple[Side, str]]) -> dict[str, dict[str, int]]:
    return {side.value: {kind: n for (where, kind), n in sorted(counts.items()) if where == side} for side in Side}

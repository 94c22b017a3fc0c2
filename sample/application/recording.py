"""What leaves the process: the journal while it runs, the summary at its end."""

import json
import threading
from collections import Counter
from pathlib import Path
from typing import IO, Any

from sample.entry import Entry, Side


class Journal:
    """JSON lines, each flushed. `intend` before the commit, `acknowledge` after it; `abandon` if the server said no. Thread-safe."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._file: IO[str] | None = path.open("w", encoding="utf-8") if path else None
        self._number = 0

    def intend(self, entry: Entry) -> int:
        with self._lock:
            self._number += 1
            self._write({"n": self._number, "intent": entry.to_json()})
            return self._number

    def acknowledge(self, number: int) -> None:
        with self._lock:
            self._write({"n": number, "outcome": "committed"})

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
        self._errors: Counter[tuple[Side, str, str]] = Counter()
        self._longest: tuple[float, str, str] = (0.0, "", "")
        self._last_side: dict[str, Side] = {}
        self._both_sides: set[str] = set()
        self._crossings = 0

    def committed(self, entry: Entry, seconds: float) -> None:
        with self._lock:
            self._committed[entry.side, entry.kind] += 1
            self._longest = max(self._longest, (seconds, entry.side.value, entry.kind))
            for artwork in {*entry.values, *entry.deleted}:
                if self._last_side.get(artwork, entry.side) is not entry.side:
                    self._both_sides.add(artwork)
                    self._crossings += 1
                self._last_side[artwork] = entry.side

    def idle(self, side: Side, kind: str) -> None:
        """The statement met no row, or one that is behind: nothing was written."""
        with self._lock:
            self._idle[side, kind] += 1

    def failed(self, side: Side, kind: str, sqlstate: str, seconds: float) -> None:
        with self._lock:
            self._errors[side, kind, sqlstate] += 1
            self._longest = max(self._longest, (seconds, side.value, kind))

    def summary(self) -> dict[str, Any]:
        with self._lock:
            errors: dict[str, dict[str, dict[str, int]]] = {}
            for (side, kind, sqlstate), count in sorted(self._errors.items()):
                errors.setdefault(side.value, {}).setdefault(kind, {})[sqlstate] = count
            seconds, side_name, longest = self._longest
            return {
                "transactions": self._committed.total(),
                "committed": _by_side(self._committed),
                "idle": _by_side(self._idle),
                "errors": errors,
                "both_sides": {"artworks": len(self._both_sides), "writes_after_the_other_side": self._crossings},
                "longest_transaction": {"seconds": round(seconds, 4), "side": side_name, "kind": longest},
            }


def _by_side(counts: Counter[tuple[Side, str]]) -> dict[str, dict[str, int]]:
    return {side.value: {kind: n for (where, kind), n in sorted(counts.items()) if where == side} for side in Side}

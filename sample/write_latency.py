"""The latency of the application's writes during a migration step. Both clocks are the clock of one machine."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sample.expected import journal_lines


class WriteLatency(NamedTuple):
    """How many writes were acknowledged in a span of time, how many were in flight at one moment in it, and the seconds of the slowest
    of those."""

    acknowledged: int
    in_flight: int
    slowest: float


def write_latency(journal: Path, begun: datetime, moment: datetime, ended: datetime) -> WriteLatency:
    """Measure the writes that were acknowledged between `begun` and `ended`. A write in flight began before `moment` and ended after it."""
    times = [(began, end) for began, end in _times(journal) if begun <= end <= ended]
    in_flight = [(end - began).total_seconds() for began, end in times if began <= moment <= end]
    return WriteLatency(len(times), len(in_flight), max(in_flight, default=0.0))


def _times(journal: Path) -> Iterable[tuple[datetime, datetime]]:
    for line in journal_lines(journal):
        if line.get("outcome") == "committed":
            yield datetime.fromtimestamp(line["began"], UTC), datetime.fromtimestamp(line["ended"], UTC)

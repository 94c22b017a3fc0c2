"""When the application's writes came, beside what the migration did meanwhile. Both clocks are those of one machine."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sample.expected import journal_lines


class Writes(NamedTuple):
    """`acknowledged` in a span of time; of them `in_flight` at one moment of it, the slowest of which took `slowest` seconds."""

    acknowledged: int
    in_flight: int
    slowest: float


def writes_around(journal: Path, begun: datetime, moment: datetime, ended: datetime) -> Writes:
    """What was acknowledged between `begun` and `ended`; in flight is what began before the moment and was acknowledged after it."""
    times = [(began, end) for began, end in _times(journal) if begun <= end <= ended]
    in_flight = [(end - began).total_seconds() for began, end in times if began <= moment <= end]
    return Writes(len(times), len(in_flight), max(in_flight, default=0.0))


def _times(journal: Path) -> Iterable[tuple[datetime, datetime]]:
    for line in journal_lines(journal):
        if line.get("outcome") == "committed":
            yield datetime.fromtimestamp(line["began"], UTC), datetime.fromtimestamp(line["ended"], UTC)

"""What a benchmark returns: a ratio of two sides that were measured in one run, or values of one side, each with its bar."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

#: A side of a comparison: it gets the number of the round and returns its value in the comparison's unit.
Side = Callable[[int], float]
#: A measurement that takes longer is printed when it has ended.
SILENT_SECONDS = 3.0


@dataclass(frozen=True)
class Compared:
    """`pairs` of values from one round each, of the other side and our own, in `unit`, and the highest ratio allowed."""

    name: str
    unit: str
    pairs: tuple[tuple[float, float], ...]
    bar: float

    @property
    def ratios(self) -> list[float]:
        """Return the ratio of each round, sorted."""
        return sorted(ours / other for other, ours in self.pairs)

    @property
    def value(self) -> float:
        """Return the median of the ratios. Other load on the machine affects both halves of a pair."""
        return statistics.median(self.ratios)

    @property
    def sides(self) -> tuple[float, float]:
        """Return the median of the other side and our own."""
        other, ours = zip(*self.pairs, strict=True)
        return statistics.median(other), statistics.median(ours)

    @property
    def spread(self) -> tuple[float, float]:
        """Return between which ratios the middle half of the rounds is; all of them if there are fewer than four."""
        left_out = len(self.pairs) // 4
        return self.ratios[left_out], self.ratios[-1 - left_out]

    @property
    def holds(self) -> bool:
        """Return whether the median is within the bar."""
        return self.value <= self.bar

    def __str__(self) -> str:
        (other, ours), (low, high) = self.sides, self.spread
        return (
            f"{self.name}: other side {other:.3f}, ours {ours:.3f} {self.unit}, ratio {self.value:.3f}"
            f" ({low:.3f} to {high:.3f} in {len(self.pairs)} rounds), bar {self.bar:g}: {'holds' if self.holds else 'MISSED'}"
        )


@dataclass(frozen=True)
class Measured:
    """The `values` of one side in `unit`, one a round, and the highest allowed. Without a bar they are information."""

    name: str
    unit: str
    values: tuple[float, ...]
    bar: float | None = None

    @property
    def value(self) -> float:
        """Return the highest value."""
        return max(self.values)

    @property
    def holds(self) -> bool:
        """Return whether every value is within the bar."""
        return self.bar is None or self.value <= self.bar

    def __str__(self) -> str:
        others = f" ({', '.join(f'{value:.1f}' for value in self.values)})" if len(self.values) > 1 else ""
        bar = "" if self.bar is None else f", bar {self.bar:g}: {'holds' if self.holds else 'MISSED'}"
        return f"{self.name}: {self.value:.1f} {self.unit}{others}{bar}"


Result = Compared | Measured


@dataclass(frozen=True)
class Line:
    """A line of a file of results: what was measured, with how many legacy rows, when, and on what."""

    benchmark: str
    rows: int
    at: str
    machine: str
    result: Result

    def to_json(self) -> str:
        """Return the line as JSON, with the values of every round."""
        return json.dumps({**vars(self), "result": asdict(self.result)})

    @classmethod
    def from_json(cls, text: str) -> "Line":
        """Return the line that `to_json` has written."""
        fields = json.loads(text)
        result = fields.pop("result")
        if "pairs" in result:
            pairs = tuple((other, ours) for other, ours in result.pop("pairs"))
            return cls(**fields, result=Compared(**result, pairs=pairs))
        return cls(**fields, result=Measured(**{**result, "values": tuple(result["values"])}))


def read(file: Path) -> list[Line]:
    """Return the newest result of each name, benchmark and size in the file, in the file's order."""
    lines = map(Line.from_json, file.read_text(encoding="utf-8").splitlines())
    return list({(line.benchmark, line.rows, line.result.name): line for line in lines}.values())


def measure_rounds(sides: Mapping[str, Side], rounds: int) -> dict[str, tuple[float, ...]]:
    """Measure every side in each round, in the opposite order each time. Returns the values by side.

    The first round warms up and does not count, unless there is only one.
    """
    values: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(0 if rounds > 1 else 1, rounds + 1):
        for name in list(sides)[:: 1 if number % 2 else -1]:
            begun = time.monotonic()
            value = sides[name](number)
            if time.monotonic() - begun > SILENT_SECONDS:
                tell(f"{name}, round {number} of {rounds}: {value:.1f}")
            if number:
                values[name].append(value)
    return {name: tuple(measured) for name, measured in values.items()}


def compare(name: str, unit: str, *, other: Side, ours: Side, rounds: int, bar: float) -> Compared:
    """Measure both sides in each round. Each returns a value in `unit`."""
    values = measure_rounds({"the other side": other, name: ours}, rounds)
    return against(name, unit, values, other="the other side", ours=name, bar=bar)


def against(name: str, unit: str, values: Mapping[str, tuple[float, ...]], *, other: str, ours: str, bar: float) -> Compared:
    """Return the comparison of two sides that were measured with others in the same rounds."""
    return Compared(name, unit, tuple(zip(values[other], values[ours], strict=True)), bar)


def tell(progress: str) -> None:
    """Print how far a benchmark is, beside the results."""
    print(f"  {time.strftime('%H:%M:%S')} {progress}", file=sys.stderr, flush=True)

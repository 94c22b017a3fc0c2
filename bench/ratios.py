"""Pairs of rounds, one of each side right after the other, and the ratio of their times."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Compared:
    """One kind of load: `pairs` of milliseconds per unit of work, without and with what is measured, and the highest ratio allowed."""

    name: str
    unit: str
    pairs: tuple[tuple[float, float], ...]
    bar: float

    @property
    def ratios(self) -> list[float]:
        """Return the ratio of each round, sorted."""
        return sorted(with_it / without for without, with_it in self.pairs)

    @property
    def ratio(self) -> float:
        """Return the median of the ratios. Other load on the machine affects both halves of a pair."""
        return statistics.median(self.ratios)

    @property
    def holds(self) -> bool:
        """Return whether the median is within the bar."""
        return self.ratio <= self.bar

    def __str__(self) -> str:
        without, with_it = (statistics.median(side) for side in zip(*self.pairs, strict=True))
        quartiles = statistics.quantiles(self.ratios, n=4) if len(self.pairs) > 1 else self.ratios * 3
        return (
            f"{self.name:<24} without {without:9.3f}  with {with_it:9.3f} ms/{self.unit}  ratio {self.ratio:5.3f}"
            f"  (half of {len(self.pairs)} rounds within {quartiles[0]:.3f} to {quartiles[2]:.3f},"
            f" all within {self.ratios[0]:.3f} to {self.ratios[-1]:.3f})"
            f"  bar {self.bar:.2f}: {'holds' if self.holds else 'MISSED'}"
        )


def compare(name: str, unit: str, *, without: Callable[[int], float], with_it: Callable[[int], float], rounds: int, bar: float) -> Compared:
    """Measure both sides in each round, the other one first each time. The first pair warms up and does not count.

    Each side gets the number of the round and returns milliseconds per unit.
    """
    pairs = []
    for number in range(rounds + 1):
        sides = (without, with_it) if number % 2 else (with_it, without)
        measured = {side: side(number) for side in sides}
        if number:
            pairs.append((measured[without], measured[with_it]))
    return Compared(name, unit, tuple(pairs), bar)


def report(results: Iterable[Compared]) -> int:
    """Print each result. Returns the exit code: 1 if a bar was missed."""
    missed = 0
    for result in results:
        print(result, flush=True)
        missed += not result.holds
    return int(missed > 0)

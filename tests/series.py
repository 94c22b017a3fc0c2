"""Series of cases that show one fact: `make test` runs some of them, `make test-all` every one, or a share of them."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import Any, TypeVar

import pytest

Case = TypeVar("Case")
EXHAUSTIVE = pytest.mark.exhaustive
LONG = pytest.mark.long


def series(cases: Iterable[object], representatives: Container[object]) -> list[Any]:
    """The cases as parameters; those that are no representatives are marked exhaustive. A tuple is one case with several parameters."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=[] if case in representatives else [EXHAUSTIVE])
        for case in cases
    ]


def first(number: int) -> pytest.MarkDecorator:
    """Mark a test of which `make test` runs that many cases, the first ones; the others are exhaustive."""
    return pytest.mark.first(number)


def mark_others(items: Iterable[pytest.Item]) -> None:
    """Mark the cases after the first ones of each test that says how many those are (`first`), and what takes long, as exhaustive."""
    seen: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(EXHAUSTIVE)
        if (marker := item.get_closest_marker("first")) and not item.get_closest_marker("exhaustive"):
            test = item.nodeid.split("[")[0]
            seen[test] += 1
            if seen[test] > marker.args[0]:
                item.add_marker(EXHAUSTIVE)


def others(cases: Sequence[Case], share: str) -> list[Case]:
    """Return the cases that are not in this share: `2/4` is every fourth case from the second on."""
    number, shares = map(int, share.split("/"))
    return [case for place, case in enumerate(cases, start=1) if place % shares != number % shares]

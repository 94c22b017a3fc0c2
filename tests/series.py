"""Series of cases that show one fact: `make test` runs some of them, `make test-all` every one, or a share of them."""

from collections.abc import Container, Iterable, Sequence
from typing import Any, TypeVar

import pytest

Case = TypeVar("Case")
EXHAUSTIVE = pytest.mark.exhaustive


def series(cases: Iterable[object], representatives: Container[object]) -> list[Any]:
    """The cases as parameters; those that are no representatives are marked exhaustive. A tuple is one case with several parameters."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=[] if case in representatives else [EXHAUSTIVE])
        for case in cases
    ]


def others(cases: Sequence[Case], share: str) -> list[Case]:
    """Return the cases that are not in this share: `2/4` is every fourth case from the second on."""
    number, shares = map(int, share.split("/"))
    return [case for place, case in enumerate(cases, start=1) if place % shares != number % shares]

"""Series of cases that show one fact: `make test` runs some of them, `make test-all` every one."""

from collections.abc import Container, Iterable
from typing import Any

import pytest

EXHAUSTIVE = pytest.mark.exhaustive


def series(cases: Iterable[object], representatives: Container[object]) -> list[Any]:
    """The cases as parameters; those that are no representatives are marked exhaustive. A tuple is one case with several parameters."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=[] if case in representatives else [EXHAUSTIVE])
        for case in cases
    ]

"""The fuzzer's own server."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.fuzzed import Bench, bench


@pytest.fixture(scope="session")
def fuzz_bench() -> Iterator[Bench]:
    """A server with the sample that belongs to a plain owner."""
    with tempfile.TemporaryDirectory(prefix="fz") as folder, bench(Path(folder) / "d") as made:
        yield made

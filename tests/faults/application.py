"""The sample's application at work on a database, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.databases import Shop


@contextmanager
def application(shop: Shop, seed: int, folder: Path, *options: str, transactions: int, rate: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """The application as a process of its own, with its journal and summary in the folder; ended with the block."""
    pace = ["--rate", str(rate)] if rate else []
    files = ["--journal", str(folder / "journal.jsonl"), "--summary", str(folder / "summary.json")]
    amount = ["--seed", str(seed), "--workers", "4", "--transactions", str(transactions)]
    process = subprocess.Popen(
        [sys.executable, "-m", "sample.application", *amount, *pace, *files, *options],
        env={**os.environ, "ARTWORK_APPLICATION_URL": shop.server.conninfo(shop.name)},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)

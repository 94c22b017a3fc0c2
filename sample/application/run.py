"""Runs the application inside this process, for the command line and the tests."""

import json
import random
import threading
import time
from pathlib import Path
from typing import IO, Any

from sample.application.commands import follow_commands
from sample.application.layout import read_layout
from sample.application.rate_limit import RateLimit
from sample.application.recording import Journal, Statistics
from sample.application.shop import load_shop
from sample.application.worker import Worker, connect, run_workers


def run_application(
    conninfo: str,
    limit: RateLimit,
    *,
    seed: int = 1,
    workers: int = 4,
    journal: Path | None = None,
    summary: Path | None = None,
    careful: bool = False,
    commands: IO[str] | None = None,
) -> dict[str, Any]:
    """Run the application until its limit, and return the summary. Only one may run on a database: it must know every write."""
    with connect(conninfo) as connection, connection.cursor() as cursor:
        shop = load_shop(connection, read_layout(cursor), seed)
    record, statistics, started = Journal(journal), Statistics(), time.monotonic()
    threads = [Worker(conninfo, shop, limit, record, statistics, random.Random(f"{seed}/{n}"), careful) for n in range(workers)]
    if commands is not None:
        threading.Thread(target=follow_commands, args=(commands, limit, statistics), daemon=True).start()
    try:
        errors = run_workers(threads, limit)
    finally:
        record.close()
    report = {"seed": seed, "workers": workers, "seconds": round(time.monotonic() - started, 2), **statistics.summary()}
    if summary is not None:
        summary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if errors:
        raise errors[0]
    return report

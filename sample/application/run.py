"""Runs the application inside this process; the command line and the tests call it."""

import json
import random
import threading
import time
from pathlib import Path
from typing import IO, Any

from sample.application.commands import obey
from sample.application.layout import read_layout
from sample.application.pace import Pace
from sample.application.recording import Figures, Journal
from sample.application.shop import open_shop
from sample.application.worker import Worker, connect, in_threads


def run_application(
    conninfo: str,
    pace: Pace,
    *,
    seed: int = 1,
    workers: int = 4,
    journal: Path | None = None,
    summary: Path | None = None,
    careful: bool = False,
    commands: IO[str] | None = None,
) -> dict[str, Any]:
    """Returns the summary. One application at a time on a database: two would not know of each other's writes."""
    with connect(conninfo) as connection, connection.cursor() as cursor:
        shop = open_shop(connection, read_layout(cursor), seed)
    written, figures, started = Journal(journal), Figures(), time.monotonic()
    crew = [Worker(conninfo, shop, pace, written, figures, random.Random(f"{seed}/{n}"), careful) for n in range(workers)]
    if commands is not None:
        threading.Thread(target=obey, args=(commands, pace, figures), daemon=True).start()
    try:
        faults = in_threads(crew, pace)
    finally:
        written.close()
    report = {"seed": seed, "workers": workers, "seconds": round(time.monotonic() - started, 2), **figures.summary()}
    if summary is not None:
        summary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if faults:
        raise faults[0]
    return report

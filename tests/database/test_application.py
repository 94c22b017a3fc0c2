"""The sample's application, asked to pause; and what its journal says about the time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sample.journal import check_journal
from sample.write_latency import WriteLatency, write_latency
from tests.databases import Shop
from tests.waiting import wait_until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Asked:
    """An application that takes commands."""

    def __init__(self, shop: Shop, journal: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sample.application", "--commands", "--careful", "--rate", "300", "--journal", str(journal)],
            env={**os.environ, "ARTWORK_APPLICATION_URL": shop.server.conninfo(shop.name)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def told(self, command: str) -> dict[str, Any]:
        """Its answer."""
        assert self.process.stdin and self.process.stdout
        print(command, file=self.process.stdin, flush=True)
        return dict(json.loads(self.process.stdout.readline()))


@pytest.fixture
def asked(deployed: Shop, tmp_path: Path) -> Iterator[Asked]:
    """One that writes to a deployed shop; ended with the test."""
    application = Asked(deployed, tmp_path / "journal.jsonl")
    yield application
    application.process.kill()
    application.process.wait()


def test_paused_nothing_is_under_way(asked: Asked, deployed: Shop, tmp_path: Path) -> None:
    """The application answers a pause when all its writes are committed and in the journal; resumed it goes on and ends well."""
    paused = asked.told("pause")
    while not paused["transactions"]:
        asked.told("resume")
        paused = asked.told("pause")
    assert paused["transactions"] == asked.told("pause")["transactions"]
    open_now = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'shop' AND xact_start IS NOT NULL"
    wait_until(lambda: deployed.value(open_now) == 0)  # a backend answers its client before it clears its line there
    report = check_journal(deployed.server.conninfo(deployed.name), [tmp_path / "journal.jsonl"], "legacy")
    assert (0, []) == (report.in_doubt, report.missing)
    assert paused["transactions"] == sum(report.acknowledged.values())

    while asked.told("resume")["transactions"] == paused["transactions"]:
        pass
    asked.process.communicate(timeout=60)
    assert 0 == asked.process.returncode


def test_in_flight_is_what_began_before_and_ended_after(tmp_path: Path) -> None:
    """A write that began before a moment and was acknowledged after it counts as in flight; a refused write counts nowhere."""
    journal = tmp_path / "journal.jsonl"
    seconds = {1: (-9, -8), 2: (-2, -1), 3: (-1, 2), 4: (-0.5, 0.5), 5: (1, 2), 6: (4, 9)}
    lines: list[dict[str, object]] = [
        {
            "n": n,
            "outcome": "committed",
            "began": (NOON + timedelta(seconds=a)).timestamp(),
            "ended": (NOON + timedelta(seconds=b)).timestamp(),
        }
        for n, (a, b) in seconds.items()
    ]
    lines.append({"n": 7, "outcome": "refused"})
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    measured = write_latency(journal, NOON - timedelta(seconds=5), NOON, NOON + timedelta(seconds=5))
    assert WriteLatency(acknowledged=4, in_flight=2, slowest=3.0) == measured

"""Customers are moved, and half of them moved back, while the application writes with old and with new code."""

from pathlib import Path
from typing import Any, Literal

import pytest

import flows
from sample.journal import check_journal
from tasks.ends import kind_of_end, message, plan_named
from tests.databases import Shop, migrate, reconcile_now
from tests.faults.application import application
from tests.series import EXHAUSTIVE

#: The customers who do not see by the functions exactly the artworks that legacy has for them.
OTHERS_SEEN = """
SELECT COUNT(*) FROM (SELECT DISTINCT a.customer_email AS email FROM artwork_migration.legacy_artwork AS a WHERE a.migratable) AS e
WHERE
  ARRAY(SELECT g.id FROM get_customer_artworks(e.email) AS g ORDER BY g.id)
  <> ARRAY(SELECT l.id FROM artwork_migration.legacy_artwork AS l WHERE l.customer_email = e.email AND l.migratable ORDER BY l.id)
"""
SERVED_BY_CLEAN = """
SELECT COUNT(*) FILTER (WHERE artwork_schema_for(c.email) = 'clean')::float / COUNT(*)
FROM (SELECT DISTINCT LOWER(a.customer_email) AS email FROM artworks AS a WHERE BTRIM(a.customer_email) <> '') AS c
"""


def run(**parameters: Any) -> Any:
    """Run move-customers as the command line does where no server records it."""
    state = flows.end_of("move-customers", recorded=False, **parameters)
    assert kind_of_end(state) in {"Planned", "Completed"}, message(state)
    return state


def move(to: Literal["clean", "legacy"], percent: float) -> None:
    """Plan a move and execute the plan."""
    run(plan=plan_named(run(to=to, percent=percent)), approved_by="test", reason="test")


@EXHAUSTIVE
def test_customers_are_moved_under_load(migrated: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In ten shares to the clean table, then half of them back: each customer sees the same on both sides, and no write is missing."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", migrated.url)
    monkeypatch.setenv("ARTWORK_REPORTS", str(tmp_path))
    with application(migrated, 7, tmp_path, transactions=1_000_000, rate=50) as process:
        for percent in range(10, 101, 10):
            move("clean", percent)
            assert abs(migrated.value(SERVED_BY_CLEAN) - percent / 100) < 0.1
        for percent in range(10, 51, 10):
            move("legacy", percent)
        assert process.poll() is None
    assert abs(migrated.value(SERVED_BY_CLEAN) - 0.5) < 0.1
    migrate(migrated)
    assert migrated.value(OTHERS_SEEN) == 0
    assert set(reconcile_now(migrated)) <= {"match", "excluded"}
    for side in ("legacy", "clean"):
        report = check_journal(migrated.server.conninfo(migrated.name), [tmp_path / "journal.jsonl"], side)
        assert report.values_checked > 100
        assert [] == report.missing

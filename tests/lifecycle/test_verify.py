"""The daily look as the schedule runs it."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cli.prefect_server import PrefectServer
from flows.verify import verify
from reporting.status import read_status
from reporting.status_lines import status_lines
from tasks.ends import exit_code, kind_of_end, message
from tests.artworks import add_user
from tests.databases import Shop
from tests.lifecycle.runs import artifact, failed_tasks, run_of
from tests.series import LONG
from tests.waiting import wait_until


@pytest.fixture
def in_window(switched: Shop) -> Shop:
    """A shop with the clean table serving; `kept` is what the retired table held."""
    switched.sql.execute("CREATE TABLE kept AS SELECT id, pet_name FROM artworks_old")
    return switched


VERIFICATIONS = "SELECT day, red FROM artwork_migration.verification ORDER BY run"
LOGGED_EMAILS = "SELECT COUNT(*) FROM artwork_migration.indirect_change"
UNSEEN = "SET artwork_migration.apply = 'on';"


def test_outside_the_window_there_is_nothing_to_verify(operated: Shop) -> None:
    """Outside the safety window verify ends at once and writes nothing, also in a database without the migration's schema."""
    state = verify(return_state=True)
    assert ("Completed", 0) == (kind_of_end(state), exit_code(state))
    assert "Nothing to verify: phase NOT_STARTED" in message(state)
    assert operated.value("SELECT TO_REGNAMESPACE('artwork_migration')") is None


@LONG
def test_day_by_day(prefect_server: PrefectServer, in_window: Shop) -> None:
    """verify is green on the first day, red after a write to the retired table and a lost index, and green after the fix, on any day."""
    green = verify(return_state=True)
    assert ("Completed", 0) == (kind_of_end(green), exit_code(green))
    assert "Day 1 of 30: no check is red; warnings: live_mom_picture_is_url (1), live_pet_picture_is_url (2). The clean table serves" in (
        green.message or ""
    )
    assert "Day 1 of 30" in artifact("migration-report")

    in_window.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - INTERVAL '25 hours'")
    add_user(in_window, "new@window.example")
    assert 1 == in_window.value(LOGGED_EMAILS)
    in_window.sql.execute(f"{UNSEEN} UPDATE artworks_old SET pet_name = 'x' WHERE original_image_url LIKE 'test-%'")
    in_window.sql.execute("DROP INDEX artworks_user_id_idx")
    begun = datetime.now(UTC)
    red = verify(return_state=True)
    assert 0 == in_window.value(LOGGED_EMAILS)  # also when it is red, none is kept longer than a day
    assert ("Red", 4) == (kind_of_end(red), exit_code(red))
    for word in (
        "retired_untouched (artworks_old)",
        "queries_on_index (of_user: no index)",
        "run `verify` again",
        "roll-back --to MIGRATED",
        "clean table serves",
    ):
        assert word in message(red)
    assert "red: verification." in dict(status_lines(read_status(in_window.database)))["last gates"]
    assert "Day 2 of 30;<br>last verified " in artifact("migration-status")
    assert "Day 2 of 30: the verification is red" in artifact("migration-report")
    payload = newest_event(prefect_server, "artwork-migration.verification.red", begun)["payload"]
    assert {"run", "day", "red", "database"} == set(payload)
    assert 2 == payload["day"]
    assert ["gate verification"] == failed_tasks(red)
    recorded = run_of(red)
    assert ("verify · day 2 · red: retired_untouched, queries_on_index, 1 more", "FAILED") == (recorded.name, recorded.state_type)
    assert ("verify · day 1 · green", "COMPLETED") == (run_of(green).name, run_of(green).state_type)
    assert newest(in_window, "run_name, outcome") == (recorded.tags[-1], "Red")
    named_by_its_end = newest_event(prefect_server, "prefect.flow-run.Failed", begun)
    assert ("flow", "verify") in {(one["prefect.resource.role"], one.get("prefect.resource.name")) for one in named_by_its_end["related"]}

    in_window.sql.execute("CREATE INDEX artworks_user_id_idx ON artworks (user_id)")
    in_window.sql.execute(
        "UPDATE artworks_old AS a SET pet_name = k.pet_name FROM kept AS k WHERE a.id = k.id AND a.pet_name IS DISTINCT FROM k.pet_name"
    )
    in_window.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - INTERVAL '30 days'")
    green = verify(return_state=True)
    assert "Completed" == kind_of_end(green)
    assert "The safety window of 30 days is over (day 32): no check is red; warnings: " in message(green)
    days = in_window.rows(VERIFICATIONS)
    assert [(1, []), (2, ["live_constraints_in_place", "queries_on_index", "retired_untouched"]), (32, [])] == [
        (d, sorted(red)) for d, red in days
    ]


def newest(shop: Shop, columns: str) -> tuple[Any, ...]:
    """Return these columns of the newest run in the ledger."""
    return tuple(shop.rows(f"SELECT {columns} FROM artwork_migration.phase_history ORDER BY run DESC LIMIT 1")[0])


def newest_event(server: PrefectServer, name: str, since: datetime) -> dict[str, Any]:
    """Return the newest event of that name since then; it takes a moment to arrive."""
    question = {"filter": {"event": {"name": [name]}, "occurred": {"since": since.isoformat()}}, "limit": 1}
    found: list[dict[str, Any]] = []

    def has_arrived() -> bool:
        found.extend(httpx.post(f"{server.api_url}/events/filter", json=question, timeout=30).raise_for_status().json()["events"])
        return bool(found)

    wait_until(has_arrived, every=0.5)
    return found[0]

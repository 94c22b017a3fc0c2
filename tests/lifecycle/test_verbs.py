"""The verbs as an operator runs them: end states, artifacts, refusals, the gate."""

import contextvars
import threading
import time
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State

from cli.verbs import exit_code
from flows.decide import decide
from flows.deploy_schema import deploy_schema
from flows.migrate_data import migrate_data
from flows.roll_back import roll_back
from migration.ledger.phases import MIGRATE_DATA, Phase
from reporting.accounts import read_accounts
from reporting.status import read_status
from tests.shops import Shop, accept_exposure, running

APPROVED: dict[str, Any] = {"approved_by": "test", "reason": "test"}


def number_in(state: State[Any]) -> str:
    assert state.name == "Planned", state.message
    return (state.message or "").split()[1]


def deployed(shop: Shop) -> State[Any]:
    accept_exposure(shop)
    return deploy_schema(plan=number_in(deploy_schema(return_state=True)), **APPROVED, return_state=True)


def artifact(key: str) -> str:
    """The newest artifact of a key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    assert found, f"there is no artifact {key}"
    return str(max(found, key=lambda one: one.updated).data)


def phase(shop: Shop) -> str:
    return str(read_status(shop.database).phase.phase)


def test_there_and_back(operated: Shop) -> None:
    """Plan, deploy, migrate, roll back: each verb ends in its state, says what serves, and shows its artifacts."""
    before = operated.schema_dump()
    accept_exposure(operated)
    planned = deploy_schema(return_state=True)
    number = number_in(planned)
    assert exit_code(planned) == 0
    assert phase(operated) == "NOT_STARTED"
    assert "CREATE TABLE public.artworks_v2" in artifact(f"plan-{number}")

    done = deploy_schema(plan=number, **APPROVED, return_state=True)
    assert done.name == "Completed"
    assert "artworks_v2 is written through" in (done.message or "")
    assert "DEPLOYED" in artifact("migration-status")

    migrated = migrate_data(return_state=True)
    assert migrated.name == "Completed", migrated.message
    assert "MIGRATED" in artifact("migration-status")
    accounts = read_accounts(operated.database)
    assert accounts.adds_up
    assert accounts.legacy_rows == operated.value("SELECT COUNT(*) FROM artworks")
    assert f"{accounts.migrated:,}" in artifact("accounts")

    back = roll_back(plan=number_in(roll_back(return_state=True)), **APPROVED, return_state=True)
    assert back.name == "Completed", back.message
    assert before == operated.schema_dump()


def test_a_second_migration_is_a_catch_up(operated: Shop) -> None:
    """migrate_data again keeps the phase, copies no chunk again, and brings what was written since."""
    deployed(operated)
    migrate_data(return_state=True)
    times = operated.rows("SELECT number, done_at FROM artwork_migration.chunk ORDER BY number")
    operated.sql.execute("UPDATE artworks SET pet_name = 'Rex' WHERE id = (SELECT id FROM artworks_v2 LIMIT 1)")
    again = migrate_data(return_state=True)
    assert again.name == "Completed", again.message
    assert operated.value("SELECT COUNT(*) FROM artworks_v2 WHERE pet_name = 'Rex'") == 1
    assert times == operated.rows("SELECT number, done_at FROM artwork_migration.chunk ORDER BY number")


def test_an_outdated_number_is_refused(operated: Shop) -> None:
    """A decision made after the plan makes its number another one, and the refusal says so."""
    number = number_in(deploy_schema(return_state=True))
    decide(name="in_flight_age", value="20 minutes", **APPROVED, return_state=True)
    refused = deploy_schema(plan=number, **APPROVED, return_state=True)
    assert (refused.name, exit_code(refused)) == ("Refused", 1)
    assert "a decision has changed" in (refused.message or "")
    assert phase(operated) == "NOT_STARTED"


def test_damage_turns_the_gate_red(operated: Shop) -> None:
    """A clean row that differs ends the run in Red gate, named by rule and id; the phase stays DEPLOYED."""
    deployed(operated)
    operated.sql.execute(
        "CREATE FUNCTION public.damage() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.pet_name := 'damaged'; RETURN NEW; END$$;"
        "CREATE TRIGGER damage BEFORE INSERT ON artworks_v2 FOR EACH ROW WHEN (NEW.access_token LIKE '%a') EXECUTE FUNCTION public.damage()"
    )
    red = migrate_data(return_state=True)
    assert (red.name, exit_code(red)) == ("Red gate", 1)
    finding = operated.value("SELECT id::text FROM artwork_migration.finding WHERE rule = 'differs' ORDER BY id LIMIT 1")
    assert "differs" in (red.message or "")
    assert finding in (red.message or "")
    assert phase(operated) == Phase.DEPLOYED
    assert operated.value("SELECT outcome FROM artwork_migration.phase_history ORDER BY run DESC LIMIT 1") == "Red gate"

    operated.sql.execute("DROP TRIGGER damage ON artworks_v2")
    mended = migrate_data(return_state=True)
    assert mended.name == "Completed", mended.message


def test_a_wrong_phase_is_refused(operated: Shop) -> None:
    """migrate_data before deploy_schema names the phase it found and the verb to run."""
    refused = migrate_data(return_state=True)
    assert (refused.name, exit_code(refused)) == ("Refused", 1)
    assert "NOT_STARTED" in (refused.message or "")
    assert "deploy_schema" in (refused.message or "")


def test_a_second_run_is_refused_by_name(operated: Shop) -> None:
    """While one run holds the lock, another is refused with its name."""
    with running(operated, MIGRATE_DATA, name="amber-fox"):
        refused = deploy_schema(return_state=True)
    assert (refused.name, exit_code(refused)) == ("Refused", 1)
    assert "test" in (refused.message or "")


def test_no_database_is_usage(operated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a database and without a block the verb ends with exit code 2, an unreachable one with 3."""
    monkeypatch.delenv("ARTWORK_DATABASE_URL")
    assert exit_code(migrate_data(return_state=True)) == 2
    monkeypatch.setenv("ARTWORK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/shop")
    unreachable = migrate_data(return_state=True)
    assert exit_code(unreachable) == 3
    assert "ARTWORK_DATABASE_URL" in (unreachable.message or "")


def test_disabled_capture_is_noticed(operated: Shop) -> None:
    """A capture trigger that was disabled stops migrate_data before it builds on the log."""
    deployed(operated)
    operated.sql.execute("ALTER TABLE artworks DISABLE TRIGGER artwork_migration_update")
    refused = migrate_data(return_state=True)
    assert refused.name == "Refused"
    assert "artwork_migration_update" in (refused.message or "")
    operated.sql.execute("ALTER TABLE artworks ENABLE ALWAYS TRIGGER artwork_migration_update")
    assert migrate_data(return_state=True).name == "Completed"


def test_two_runs_at_the_same_moment(operated: Shop) -> None:
    """Two migrate_data at once: one completes, the other is refused; never both, never neither."""
    deployed(operated)
    ended: list[str] = []

    def run() -> None:
        ended.append(str(migrate_data(return_state=True).name))

    # whoever is first cannot end before the other has been refused
    holder = operated.session()
    holder.execute("LOCK TABLE artwork_migration.quarantine")
    # a thread has none of the test's settings but by its context
    threads = [threading.Thread(target=contextvars.copy_context().run, args=(run,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while not ended and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ["Refused"] == ended
    holder.rollback()
    for thread in threads:
        thread.join(120)
    assert ["Refused", "Completed"] == ended

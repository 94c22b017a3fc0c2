"""The verbs as an operator runs them: end states, artifacts, refusals, the gate."""

import contextvars
import threading
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.flow_engine import run_flow

from flows.decide import decide
from flows.deploy_schema import deploy_schema
from flows.join_copy import join_copy
from flows.migrate_data import migrate_data
from flows.pause import pause
from flows.resume import resume
from flows.roll_back import roll_back
from migration.ledger.phases import MIGRATE_DATA, Phase
from migration.sync import backfill
from reporting.accounts import read_accounts
from reporting.status import read_status
from tasks.ends import exit_code, kind_of_end, message
from tests.databases import Shop, accept_exposure, running
from tests.lifecycle.runs import APPROVED, artifact, number_in, phase
from tests.series import EXHAUSTIVE, LONG
from tests.waiting import BOUND, wait_until
from tests.waits import TOO_LONG


def test_there_and_back(operated: Shop) -> None:
    """deploy_schema, migrate_data and roll_back end in their states, say which table serves, and show their artifacts."""
    before = operated.schema_dump()
    accept_exposure(operated)
    planned = deploy_schema(return_state=True)
    number = number_in(planned)
    assert exit_code(planned) == 0
    assert phase(operated) == "NOT_STARTED"
    assert "CREATE TABLE public.artworks_v2" in artifact(f"plan-{number}-sql")

    done = deploy_schema(plan=number, **APPROVED, return_state=True)
    assert kind_of_end(done) == "Completed"
    assert "artworks_v2 is written through" in message(done)
    assert "DEPLOYED" in artifact("migration-status")

    migrated = migrate_data(return_state=True)
    assert kind_of_end(migrated) == "Completed", migrated.message
    assert "MIGRATED" in artifact("migration-status")
    accounts = read_accounts(operated.database)
    assert accounts.adds_up
    assert accounts.legacy_rows == operated.value("SELECT COUNT(*) FROM artworks")
    assert f"{accounts.migrated:,}" in artifact("accounts")

    back = roll_back(to="NOT_STARTED", plan=number_in(roll_back(to="NOT_STARTED", return_state=True)), **APPROVED, return_state=True)
    assert kind_of_end(back) == "Completed", back.message
    assert before == operated.schema_dump()


def test_a_run_of_a_worker_writes_reports_to_an_absolute_path(operated: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A deployment's run with a relative ARTWORK_REPORTS, or without it, is refused before it reads the database, and writes no file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTWORK_DATABASE_URL", operated.url.replace(operated.name, "nowhere"))
    with get_client(sync_client=True) as client:
        made = client.create_deployment(flow_id=client.create_flow(deploy_schema), name="of-a-worker")
        for given in ("reports", ""):
            monkeypatch.setenv("ARTWORK_REPORTS", given) if given else monkeypatch.delenv("ARTWORK_REPORTS")
            state = run_flow(deploy_schema, flow_run=client.create_flow_run_from_deployment(made), return_type="state")
            assert ("Refused", 2) == (kind_of_end(state), exit_code(state)), state.message
            assert "ARTWORK_REPORTS is `reports`" in message(state)
        client.delete_deployment(made)
    assert [] == list(tmp_path.iterdir())


@EXHAUSTIVE
def test_a_second_migration_is_a_catch_up(deployed: Shop) -> None:
    """A second migrate_data keeps the phase, copies no chunk again, and brings what was written since."""
    migrate_data(return_state=True)
    times = deployed.rows("SELECT number, done_at FROM artwork_migration.chunk ORDER BY number")
    deployed.sql.execute("UPDATE artworks SET pet_name = 'Rex' WHERE id = (SELECT id FROM artworks_v2 LIMIT 1)")
    again = migrate_data(return_state=True)
    assert kind_of_end(again) == "Completed", again.message
    assert deployed.value("SELECT COUNT(*) FROM artworks_v2 WHERE pet_name = 'Rex'") == 1
    assert times == deployed.rows("SELECT number, done_at FROM artwork_migration.chunk ORDER BY number")


@EXHAUSTIVE
def test_an_outdated_number_is_refused(operated: Shop) -> None:
    """A decision after the plan makes its number invalid, and the refusal names the decision as the reason."""
    number = number_in(deploy_schema(return_state=True))
    decide(name="in_flight_age", value="20 minutes", **APPROVED, return_state=True)
    refused = deploy_schema(plan=number, **APPROVED, return_state=True)
    assert (kind_of_end(refused), exit_code(refused)) == ("Refused", 1)
    assert "a decision has changed" in message(refused)
    assert phase(operated) == "NOT_STARTED"


@LONG
def test_damage_turns_the_gate_red(deployed: Shop) -> None:
    """A clean row that differs ends migrate_data Red, with rule and id, and the phase stays DEPLOYED."""
    deployed.sql.execute(
        "CREATE FUNCTION public.damage() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.pet_name := 'damaged'; RETURN NEW; END$$;"
        "CREATE TRIGGER damage BEFORE INSERT ON artworks_v2 FOR EACH ROW WHEN (NEW.access_token LIKE '%a') EXECUTE FUNCTION public.damage()"
    )
    red = migrate_data(return_state=True)
    assert (kind_of_end(red), exit_code(red)) == ("Red", 4)
    finding = deployed.value("SELECT id::text FROM artwork_migration.finding WHERE rule = 'differs' ORDER BY id LIMIT 1")
    assert "differs" in message(red)
    assert finding in message(red)
    assert phase(deployed) == Phase.DEPLOYED
    assert deployed.value("SELECT outcome FROM artwork_migration.phase_history ORDER BY run DESC LIMIT 1") == "Red"

    deployed.sql.execute("DROP TRIGGER damage ON artworks_v2")
    mended = migrate_data(return_state=True)
    assert kind_of_end(mended) == "Completed", mended.message


def test_a_wrong_phase_is_refused(operated: Shop) -> None:
    """migrate_data before deploy_schema names the phase it found and the verb to run."""
    refused = migrate_data(return_state=True)
    assert (kind_of_end(refused), exit_code(refused)) == ("Refused", 1)
    assert "NOT_STARTED" in message(refused)
    assert "deploy-schema" in message(refused)


def test_a_second_run_is_refused_by_name(operated: Shop) -> None:
    """While one run holds the lock, another is refused with the name of the first."""
    with running(operated, MIGRATE_DATA, name="amber-fox"):
        refused = deploy_schema(return_state=True)
    assert (kind_of_end(refused), exit_code(refused)) == ("Refused", 5)
    assert "test" in message(refused)


def test_no_database_is_usage(operated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb without a database ends with exit code 2, with an unreachable one with exit code 3."""
    monkeypatch.delenv("ARTWORK_DATABASE_URL")
    assert exit_code(migrate_data(return_state=True)) == 2
    monkeypatch.setenv("ARTWORK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/shop")
    unreachable = migrate_data(return_state=True)
    assert exit_code(unreachable) == 3
    assert "ARTWORK_DATABASE_URL" in message(unreachable)


@EXHAUSTIVE
def test_disabled_capture_is_noticed(deployed: Shop) -> None:
    """A capture trigger that was disabled stops migrate_data before it builds on the log."""
    deployed.sql.execute("ALTER TABLE artworks DISABLE TRIGGER artwork_migration_update")
    refused = migrate_data(return_state=True)
    assert kind_of_end(refused) == "Refused"
    assert "artwork_migration_update" in message(refused)
    deployed.sql.execute("ALTER TABLE artworks ENABLE ALWAYS TRIGGER artwork_migration_update")
    assert kind_of_end(migrate_data(return_state=True)) == "Completed"


@EXHAUSTIVE
def test_two_runs_at_the_same_moment(deployed: Shop) -> None:
    """Of two migrate_data at the same moment one completes and the other is refused."""
    ended: list[str] = []

    def run() -> None:
        ended.append(str(kind_of_end(migrate_data(return_state=True))))

    # whoever is first cannot end before the other has been refused
    holder = deployed.session()
    holder.execute("LOCK TABLE artwork_migration.quarantine")
    # a thread has none of the test's settings but by its context
    threads = [threading.Thread(target=contextvars.copy_context().run, args=(run,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: ended)
    assert ["Refused"] == ended
    holder.rollback()
    for thread in threads:
        thread.join(BOUND)
    assert ["Refused", "Completed"] == ended


def test_join_copy_works_for_the_run_that_leads(deployed: Shop) -> None:
    """Without a copy join_copy is refused; one that fails leaves the run that leads as it is; the next one copies what is left."""
    refused = join_copy(return_state=True)
    assert ("Refused", 1) == (kind_of_end(refused), exit_code(refused))
    assert "there is nothing to join. Nothing was changed. To fix: run migrate-data;" in message(refused)
    with running(deployed, name="leader") as run:
        run.begin()
        backfill.plan_chunks(run)
        deployed.sql.execute("ALTER TABLE artworks_v2 ADD CONSTRAINT nothing CHECK (FALSE) NOT VALID")
        failed = join_copy(return_state=True)
        assert ("Failed", 1) == (kind_of_end(failed), exit_code(failed)), failed.message
        assert [(None, None)] == deployed.rows("SELECT outcome, ended_at FROM artwork_migration.phase_history WHERE run_name = 'leader'")
        deployed.sql.execute("ALTER TABLE artworks_v2 DROP CONSTRAINT nothing")
        done = join_copy(return_state=True)
        copied = deployed.value("SELECT COUNT(*) FROM artworks_v2")
        assert f"{copied} rows were copied for the run leader; " in message(done)
        assert backfill.plan_chunks(run) == 0


@EXHAUSTIVE
def test_a_pause_holds_a_run_and_its_end_lets_it_continue(deployed: Shop) -> None:
    """`pause` from another run holds migrate_data, whose status shows why; `resume` lets it complete. Nobody's resume ends it in words."""
    assert kind_of_end(pause(**APPROVED, return_state=True)) == "Completed"
    assert exit_code(pause(**APPROVED, return_state=True)) == 2
    ended: list[State] = []

    def run() -> None:
        ended.append(migrate_data(return_state=True))

    def started() -> threading.Thread:
        thread = threading.Thread(target=contextvars.copy_context().run, args=(run,))
        thread.start()
        wait_until(lambda: read_status(deployed.database).wait, every=0.2)
        return thread

    waiting = started()
    deployed.sql.execute(TOO_LONG)
    waiting.join(BOUND)
    assert ("Waited too long", 5) == (kind_of_end(ended[0]), exit_code(ended[0])), ended[0].message
    assert "the migration: paused by test since" in message(ended[0])
    assert ("Waited too long",) == deployed.rows("SELECT outcome FROM artwork_migration.phase_history ORDER BY run DESC LIMIT 1")[0]

    assert kind_of_end(pause(**APPROVED, return_state=True)) == "Completed"
    waiting = started()
    assert "paused by test since" in artifact("migration-status")
    assert kind_of_end(resume(**APPROVED, return_state=True)) == "Completed"
    waiting.join(BOUND)
    assert "Completed" == kind_of_end(ended[1]), ended[1].message

"""The one flow that runs the others: how far it goes from each phase, and where it stops."""

from pathlib import Path

from flows.clean_up import clean_up
from flows.decide import decide
from flows.deploy_schema import deploy_schema
from flows.run_migration import run_migration
from flows.switch_over import switch_over
from migration.ledger.safety_window import SAFETY_DAYS
from tasks.ends import exit_code, kind_of_end, message
from tests.databases import execute_switch, running
from tests.lifecycle.conftest import OperatedIn
from tests.lifecycle.runs import APPROVED, artifact, number_in, phase, run_of
from tests.series import EXHAUSTIVE, LONG


@LONG
def test_from_plan_to_plan(operated_in: OperatedIn, tmp_path: Path) -> None:
    """run_migration ends Blocked at a plan with blockers, and Planned with the command that runs it; after that it reaches the next
    plan."""
    shop = operated_in("NOT_STARTED")
    planned = run_migration(return_state=True)
    assert ("Blocked", 1) == (kind_of_end(planned), exit_code(planned))
    assert "NOT_STARTED" == phase(shop)
    assert "- user_gained: " in message(planned)
    assert "--plan" not in message(planned)
    assert message(planned).endswith("Fix these, then plan again: the new plan gets a new number.")
    assert "is blocked: exposure_not_accepted." in artifact("migration-status").splitlines()[0]
    assert ("run-migration · deploy-schema · blocked", "FAILED") == (run_of(planned).name, run_of(planned).state_type)
    refused = deploy_schema(plan=number_in(planned), **APPROVED, return_state=True)
    assert f"deploy-schema · {number_in(planned)} · test · blocked" == run_of(refused).name
    assert ("Blocked", 1) == (kind_of_end(refused), exit_code(refused))
    assert "decide accept_exposure user_gained" in message(refused)
    assert "Completed" == kind_of_end(decide(name="accept_exposure", value="user_gained", **APPROVED, return_state=True))
    planned = run_migration(return_state=True)
    assert ("run-migration · deploy-schema · planned", "COMPLETED") == (run_of(planned).name, run_of(planned).state_type)
    assert f"artwork-migration run deploy-schema --plan {number_in(planned)} --approved-by" in message(planned)
    written = tmp_path / "reports" / f"plan-{number_in(planned)}.md"
    assert str(written) in message(planned)
    assert (0o600, artifact(f"plan-{number_in(planned)}")) == (written.stat().st_mode & 0o777, written.read_text())
    assert kind_of_end(deploy_schema(plan=number_in(planned), **APPROVED, return_state=True)) == "Completed"

    planned = run_migration(return_state=True)
    assert "artwork-migration run switch-over --plan " in message(planned)
    assert "MIGRATED" == phase(shop)
    assert "ALTER TABLE public.artworks RENAME" in artifact(f"plan-{number_in(planned)}-sql")
    done = switch_over(plan=number_in(planned), **APPROVED, return_state=True)
    assert kind_of_end(done) == "Completed", done.message


def test_a_red_gate_ends_it(operated_in: OperatedIn) -> None:
    """run_migration ends as its red step did, with the same state, message and exit code, and begins nothing after it."""
    shop = operated_in("MIGRATED")
    damage = "UPDATE public.artworks_v2 SET pet_name = 'damaged' WHERE id = (SELECT id FROM public.artworks_v2 LIMIT 1)"
    with running(shop) as run:
        run.database.write("damage", lambda connection: connection.exec_driver_sql(damage), applying=True)
    red = run_migration(return_state=True)
    assert ("Red", 4) == (kind_of_end(red), exit_code(red))
    assert artifact("migration-status").startswith(
        "# A gate is red: reconciliation.differs.\n\n**Next step:** `artwork-migration run migrate"
    )
    assert "differs" in message(red)
    assert ["migrate-data"] == [verb for (verb,) in shop.rows("SELECT verb FROM artwork_migration.phase_history WHERE outcome = 'Red'")]


@EXHAUSTIVE
def test_after_the_switch_it_verifies_until_the_clean_up(operated_in: OperatedIn) -> None:
    """run_migration does the steps that a killed switch has left, verifies, plans clean_up after the last day, and then has nothing to
    do."""
    shop = operated_in("MIGRATED")
    execute_switch(shop)
    done = run_migration(return_state=True)
    assert kind_of_end(done) == "Completed", done.message
    assert f"Day 1 of {SAFETY_DAYS}" in message(done)
    assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.step WHERE done_at IS NULL")

    shop.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - MAKE_INTERVAL(days => %s)", [SAFETY_DAYS])
    planned = run_migration(return_state=True)
    assert "run decide no_archive accepted" in message(planned), planned.message
    assert "Blocked" == kind_of_end(planned)
    assert "SWITCHED" == phase(shop)

    decide(name="no_archive", value="accepted", **APPROVED, return_state=True)
    planned = run_migration(return_state=True)
    assert "artwork-migration run clean-up --plan " in message(planned), planned.message
    done = clean_up(plan=number_in(planned), **APPROVED, return_state=True)
    assert kind_of_end(done) == "Completed", done.message
    done = run_migration(return_state=True)
    assert kind_of_end(done) == "Completed", done.message
    assert "Nothing is left to do" in message(done)

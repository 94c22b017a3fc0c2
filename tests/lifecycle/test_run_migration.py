"""The one flow that runs the others: how far it goes from each phase, and where it stops."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.prefect_server import PrefectServer
from cli.verbs import exit_code
from flows.clean_up import clean_up
from flows.decide import decide
from flows.deploy_schema import deploy_schema
from flows.run_migration import run_migration
from flows.switch_over import switch_over
from migration.ledger.safety_window import SAFETY_DAYS
from tests.conftest import MakeShop
from tests.lifecycle.conftest import point_to
from tests.lifecycle.test_verbs import APPROVED, artifact, number_in, phase
from tests.shops import Shop, execute_switch, running

ShopIn = Callable[[str], Shop]


@pytest.fixture
def shop_in(make_shop: MakeShop, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ShopIn:
    """`shop_in(phase)` gives a shop in that phase, which the flows find in the environment."""

    def make(phase: str) -> Shop:
        shop = make_shop(phase=phase)
        point_to(shop, monkeypatch, tmp_path)
        return shop

    return make


def test_from_plan_to_plan(shop_in: ShopIn, tmp_path: Path) -> None:
    """It ends Planned at each plan, with what blocks it, or the line that runs it; run with it, the next one is reached."""
    shop = shop_in("NOT_STARTED")
    planned = run_migration(return_state=True)
    assert exit_code(planned) == 0
    assert "NOT_STARTED" == phase(shop)
    assert "- user_gained: " in (planned.message or "")
    assert "--plan" not in (planned.message or "")
    assert (planned.message or "").endswith("Mend these and plan again; the plan will have another number.")
    refused = deploy_schema(plan=number_in(planned), **APPROVED, return_state=True)
    assert ("Refused", 1) == (refused.name, exit_code(refused))
    assert "decide accept_exposure user_gained" in (refused.message or "")
    assert "Completed" == decide(name="accept_exposure", value="user_gained", **APPROVED, return_state=True).name
    planned = run_migration(return_state=True)
    assert f"artwork-migration run deploy-schema --plan {number_in(planned)} --approved-by" in (planned.message or "")
    written = tmp_path / "reports" / f"plan-{number_in(planned)}.md"
    assert str(written) in (planned.message or "")
    assert (0o600, artifact(f"plan-{number_in(planned)}")) == (written.stat().st_mode & 0o777, written.read_text())
    assert deploy_schema(plan=number_in(planned), **APPROVED, return_state=True).name == "Completed"

    planned = run_migration(return_state=True)
    assert "artwork-migration run switch-over --plan " in (planned.message or "")
    assert "MIGRATED" == phase(shop)
    assert "ALTER TABLE public.artworks RENAME" in artifact(f"plan-{number_in(planned)}")
    done = switch_over(plan=number_in(planned), **APPROVED, return_state=True)
    assert done.name == "Completed", done.message


def test_a_red_gate_ends_it(shop_in: ShopIn) -> None:
    """It ends as its step ended: state, words and exit code; nothing after it is begun."""
    shop = shop_in("MIGRATED")
    damage = "UPDATE public.artworks_v2 SET pet_name = 'damaged' WHERE id = (SELECT id FROM public.artworks_v2 LIMIT 1)"
    with running(shop) as run:
        run.database.write("damage", lambda connection: connection.exec_driver_sql(damage), applying=True)
    red = run_migration(return_state=True)
    assert ("Red gate", 1) == (red.name, exit_code(red))
    assert "differs" in (red.message or "")
    assert ["migrate_data"] == [
        verb for (verb,) in shop.rows("SELECT verb FROM artwork_migration.phase_history WHERE outcome = 'Red gate'")
    ]


def test_after_the_switch_it_verifies_until_the_clean_up(shop_in: ShopIn) -> None:
    """What a killed switch has left to do comes first; then the day it is; after the last one the plan of clean_up; then nothing."""
    shop = shop_in("MIGRATED")
    execute_switch(shop)
    done = run_migration(return_state=True)
    assert done.name == "Completed", done.message
    assert f"Day 1 of {SAFETY_DAYS}" in (done.message or "")
    assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.step WHERE done_at IS NULL")

    shop.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - MAKE_INTERVAL(days => %s)", [SAFETY_DAYS])
    planned = run_migration(return_state=True)
    assert "run decide no_archive accepted" in (planned.message or ""), planned.message
    assert "Planned" == planned.name
    assert "SWITCHED" == phase(shop)

    decide(name="no_archive", value="accepted", **APPROVED, return_state=True)
    planned = run_migration(return_state=True)
    assert "artwork-migration run clean-up --plan " in (planned.message or ""), planned.message
    done = clean_up(plan=number_in(planned), **APPROVED, return_state=True)
    assert done.name == "Completed", done.message
    done = run_migration(return_state=True)
    assert done.name == "Completed", done.message
    assert "Nothing is left to do" in (done.message or "")

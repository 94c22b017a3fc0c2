"""What can go wrong on the way back to NOT_STARTED, between its lock and its end."""

import json
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from migration.errors import DatabaseError, NewBlocker, PrerequisitesNotMet
from migration.ledger import ledger
from migration.ledger.phases import ROLL_BACK_TO_NOT_STARTED, Phase
from migration.plans import execution
from migration.plans.plan import Plan
from migration.verbs import roll_back
from reporting.status import read_status
from sample.build import Variant
from tasks.reports import export_ledger
from tests.artworks import add_clean, add_legacy, add_user, relax_clean_names
from tests.conftest import MakeShop
from tests.databases import SETTINGS, Shop, approve, catch_up_now, execute, migrate, planned_deployment, running, uninstall
from tests.series import LONG


def planned_uninstall(shop: Shop) -> Plan:
    with shop.database.transaction("planning") as connection:
        return roll_back.plan_uninstall(connection)


def execute_locked_part(shop: Shop, made: Plan) -> None:
    """What execute_plan does, and then the client is gone."""
    with running(shop, ROLL_BACK_TO_NOT_STARTED) as run:
        approve(run, made)
        execute(run, made)


def phase(shop: Shop) -> Phase:
    with shop.database.transaction("asking") as connection:
        return ledger.phase(connection).phase


@LONG
def test_killed_after_the_lock_it_does_the_rest_when_run_again(make_shop: MakeShop) -> None:
    """After an uninstallation that was killed behind its commit, deploy_schema names what is left, and a second run leaves nothing."""
    shop = make_shop()
    before, users = shop.schema_dump(), shop.value("SELECT COUNT(*) FROM users")
    _deploy_and_migrate(shop)
    execute_locked_part(shop, planned_uninstall(shop))
    assert Phase.NOT_STARTED == phase(shop)
    with pytest.raises(PrerequisitesNotMet, match="Run `roll-back` again"):
        planned_deployment(shop)
    assert "roll-back again, it has steps left" == read_status(shop.database).may_be_run_next
    assert {"after"} == {statement.stage for statement in planned_uninstall(shop).statements}
    uninstall(shop)
    assert (before, users) == (shop.schema_dump(), shop.value("SELECT COUNT(*) FROM users"))


def test_an_error_after_the_lock_does_not_take_the_phase_back(migrated: Shop) -> None:
    """A statement that fails after the commit fails the run and keeps the phase that the commit brought."""
    made = planned_uninstall(migrated)
    execute_locked_part(migrated, made)
    migrated.sql.execute(
        "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END$$;"
        "CREATE TRIGGER no BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION public.no()"
    )
    with pytest.raises(DatabaseError):
        execution.finish(migrated.database, made.statements, verb=str(made.verb), patience=0.1)
    run = migrated.value("SELECT MAX(run) FROM artwork_migration.phase_history")
    with migrated.database.transaction("ending") as connection:
        ledger.end_run(connection, run, outcome="Failed", phase_after=None)
    assert Phase.NOT_STARTED == phase(migrated)
    migrated.sql.execute("DROP TRIGGER no ON users; DROP FUNCTION public.no()")
    uninstall(migrated)
    assert migrated.value("SELECT TO_REGNAMESPACE('artwork_migration')") is None


def test_a_user_claimed_after_the_lock_stays(migrated: Shop) -> None:
    """A created user who signs up or is named by an order after the lock stays."""
    made = planned_uninstall(migrated)
    execute_locked_part(migrated, made)
    claimed = migrated.value("SELECT id FROM artwork_migration.created_user LIMIT 1")
    migrated.sql.execute("UPDATE users SET is_anonymous = FALSE WHERE id = %s", (claimed,))
    execution.finish(migrated.database, made.statements, verb=str(made.verb), patience=5)
    assert migrated.value("SELECT COUNT(*) FROM users WHERE id = %s", claimed) == 1


def test_a_write_refused_after_the_plan_stops_the_rollback(migrated: Shop) -> None:
    """A write that is rejected after the plan stops the uninstallation under the lock, and nothing changes."""
    relax_clean_names(migrated)
    made = planned_uninstall(migrated)
    assert made.blockers == ()
    artwork = add_clean(migrated)
    migrated.sql.execute("UPDATE artworks_v2 SET customer_name = NULL WHERE id = %s", (artwork,))
    with pytest.raises(NewBlocker):
        execute_locked_part(migrated, made)
    assert migrated.value("SELECT COUNT(*) FROM artworks_v2 WHERE id = %s", artwork) == 1
    assert Phase.MIGRATED == phase(migrated)


@LONG
def test_a_sign_up_after_the_plan_stops_dropping_our_users_table(make_shop: MakeShop) -> None:
    """A sign-up after the plan stops the drop of a users table that deploy_schema created."""
    shop = make_shop(Variant.MINIMAL, phase="MIGRATED")
    made = planned_uninstall(shop)
    signed_up = add_user(shop, "late@example.org")
    with pytest.raises(NewBlocker):
        execute_locked_part(shop, made)
    assert shop.value("SELECT COUNT(*) FROM users WHERE id = %s", signed_up) == 1


def test_what_only_the_clean_side_holds_is_kept_until_it_is_exported(migrated: Shop) -> None:
    """What only the clean side holds is exported before it goes, also what was written between plan and lock."""
    made = planned_uninstall(migrated)
    artwork = add_clean(migrated, fal_request_id="fal_late", generation_params=Jsonb({"steps": 4}))
    execute_locked_part(migrated, made)
    question = "SELECT fal_request_id FROM artwork_migration.clean_only_value WHERE id = %s"
    assert "fal_late" == migrated.value(question, artwork)


def test_lost_triggers_and_tables_do_not_stop_the_rollback(migrated: Shop) -> None:
    """A dropped capture trigger or referencing table does not stop an uninstallation."""
    migrated.sql.execute("DROP TRIGGER artwork_migration_update ON artworks; DROP TRIGGER artwork_migration_insert ON artworks_v2")
    uninstall(migrated)
    assert migrated.value("SELECT TO_REGNAMESPACE('artwork_migration')") is None


def test_a_red_row_of_the_clean_side_is_not_made_green_by_the_next_run(migrated: Shop) -> None:
    """A clean write that never reached legacy stays red over the next run."""
    artwork = add_legacy(migrated)
    catch_up_now(migrated)
    migrated.sql.execute("UPDATE artworks_v2 SET pet_name = 'Rex II' WHERE id = %s", (artwork,))
    catch_up_now(migrated)
    migrated.sql.execute("ALTER TABLE artworks_v2 DISABLE TRIGGER artwork_migration_update")
    migrated.sql.execute("UPDATE artworks_v2 SET pet_name = 'Rex III' WHERE id = %s", (artwork,))
    migrated.sql.execute("ALTER TABLE artworks_v2 ENABLE ALWAYS TRIGGER artwork_migration_update")
    for _ in range(2):
        counts = migrate(migrated)
    assert (1, "Rex III") == (counts.get("differs"), migrated.value("SELECT pet_name FROM artworks_v2 WHERE id = %s", artwork))


def test_the_export_has_everything_and_is_for_its_owner_only(migrated: Shop, tmp_path: Path) -> None:
    """The export has the ledger and the clean side's own values, and only its owner may read the file."""
    add_clean(migrated, fal_request_id="fal_1")
    execute_locked_part(migrated, planned_uninstall(migrated))
    with running(migrated, ROLL_BACK_TO_NOT_STARTED) as run:
        run.settings = SETTINGS.model_copy(update={"reports": tmp_path / "reports"})
        path = export_ledger(run)
    content: dict[str, Any] = json.loads(path.read_text())
    assert 0o600 == path.stat().st_mode & 0o777
    assert "fal_1" in {row["fal_request_id"] for row in content["clean_only_value"]}
    assert {"phase_history", "plan", "rule_result", "created_user"} <= set(content)


def _deploy_and_migrate(shop: Shop) -> None:
    from tests.databases import deploy

    deploy(shop)
    migrate(shop)

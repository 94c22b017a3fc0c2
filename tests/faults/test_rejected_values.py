"""One value that the other table does not take holds back no other value, and no message says that it was carried over."""

from pathlib import Path
from uuid import UUID

import pytest

from migration.errors import Blocked, NewBlocker
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED
from migration.plans.plan import Plan
from migration.sync import carry_back
from migration.verbs.roll_back import plan_roll_back
from tasks.switching import writes_kept
from tests.artworks import add_legacy, add_order, legacy, relax_clean_names
from tests.conftest import MakeShop
from tests.databases import SETTINGS, Shop, catch_up_now, decide, execute_roll_back, planned, roll_back, running, switch
from tests.series import LONG

NEW_URL = "https://images.example/new"


@pytest.fixture
def lax(migrated: Shop) -> Shop:
    """Migrated; the clean table takes what the legacy table rejects."""
    relax_clean_names(migrated)
    return migrated


def ordered(shop: Shop) -> UUID:
    """An artwork with a paid order, after the switch; a client writes a name that legacy does not take, then an address that it takes."""
    artwork = add_legacy(shop)
    add_order(shop, artwork)
    catch_up_now(shop)
    switch(shop)
    shop.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))
    shop.sql.execute("UPDATE artworks SET generated_image_url = %s WHERE id = %s", (NEW_URL, artwork))
    return artwork


def planned_with_dry_run(shop: Shop) -> Plan:
    """The plan of the rollback as the flow makes it."""
    with running(shop, ROLL_BACK_TO_MIGRATED) as run:
        found = carry_back.dry_run(run)
    return planned(shop, lambda connection: plan_roll_back(connection, found))


def rejected(shop: Shop) -> list[tuple[UUID, list[str]]]:
    """What is recorded as rejected, by id and column."""
    return shop.rows("SELECT id, columns FROM artwork_migration.rejected_write ORDER BY id")


def test_the_plan_of_a_rollback_names_each_rejected_column(lax: Shop) -> None:
    """A value that the retired table does not take blocks the plan of the rollback by id, column and SQLSTATE; nothing was written."""
    artwork = ordered(lax)
    made = planned_with_dry_run(lax)
    (blocker,) = made.blockers
    assert ("rejected_value", f"artwork {artwork}") == (blocker.rule, blocker.subject)
    assert "does not take its customer_name (SQLSTATE 23502" in blocker.problem
    assert f"accept_rejected_writes {artwork}" == blocker.decision
    assert [] == rejected(lax)


@LONG
def test_a_corrected_value_opens_the_rollback(lax: Shop) -> None:
    """After a correction of the named column the rollback goes through, and every value is in the legacy table."""
    artwork = ordered(lax)
    with pytest.raises(Blocked, match="customer_name"):
        roll_back(lax)
    assert NEW_URL == lax.value("SELECT generated_image_url FROM artworks_old WHERE id = %s", artwork)
    lax.sql.execute("UPDATE artworks SET customer_name = 'Grace' WHERE id = %s", (artwork,))
    assert () == planned_with_dry_run(lax).blockers
    roll_back(lax)
    assert ("Grace", NEW_URL) == (legacy(lax, artwork, "customer_name"), legacy(lax, artwork, "generated_image_url"))
    assert [] == rejected(lax)
    switch(lax)


def test_a_decision_lets_the_other_values_serve_and_writes_out_the_rest(lax: Shop, tmp_path: Path) -> None:
    """With the decision the other values are carried back, the end names what does not serve, and the ids are in a private file."""
    artwork = ordered(lax)
    name, value = planned_with_dry_run(lax).blockers[0].decision.split(" ", 1)
    decide(lax, name, value)
    assert () == planned_with_dry_run(lax).blockers
    roll_back(lax)
    assert ("Ada", NEW_URL) == (legacy(lax, artwork, "customer_name"), legacy(lax, artwork, "generated_image_url"))
    assert [(artwork, ["customer_name"])] == rejected(lax)
    assert lax.value("SELECT customer_name IS NULL FROM artworks_v2 WHERE id = %s", artwork)
    with running(lax, ROLL_BACK_TO_MIGRATED) as run:
        run.settings = SETTINGS.model_copy(update={"reports": tmp_path})
        run.begin()
        kept = writes_kept(run)
    assert "every write except the values of 1 artworks" in kept
    (file,) = tmp_path.iterdir()
    assert str(file) in kept
    assert f"{artwork},customer_name,23502" in file.read_text()
    assert 0o600 == file.stat().st_mode & 0o777


def test_a_value_rejected_after_the_plan_stops_under_the_lock(lax: Shop) -> None:
    """A value that is rejected between the last carry-back and the lock stops the rollback, and the clean table still serves."""
    artwork = add_legacy(lax)
    catch_up_now(lax)
    switch(lax)

    def write() -> None:
        lax.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))

    with pytest.raises(NewBlocker, match="rejected_value"):
        execute_roll_back(lax, meanwhile=write)
    assert lax.value("SELECT customer_name IS NULL FROM artworks WHERE id = %s", artwork)


@LONG
def test_columns_that_depend_on_each_other_are_carried_together(lax: Shop) -> None:
    """A value that legacy takes only beside another one is carried back although a third value of the row is rejected."""
    lax.sql.execute("ALTER TABLE artworks ADD CONSTRAINT both_times CHECK (upscaled_at > created_at + interval '1 day') NOT VALID")
    artwork = add_legacy(lax, created_at="2026-01-01", upscaled_at="2026-02-01")
    catch_up_now(lax)
    switch(lax)
    lax.sql.execute(
        "UPDATE artworks SET created_at = '2027-01-01', upscale_completed_at = '2027-02-01', customer_name = NULL WHERE id = %s", (artwork,)
    )
    decide(lax, "accept_rejected_writes", "all")
    roll_back(lax)
    assert [(artwork, ["customer_name"])] == rejected(lax)
    assert "2027-01-01" == legacy(lax, artwork, "created_at::date::text")


def test_a_write_to_the_clean_table_loses_one_column_only(make_shop: MakeShop) -> None:
    """Before the switch too, legacy takes what it can of a clean write; a later value that it takes resolves the rejection."""
    shop = make_shop(phase="DEPLOYED")
    relax_clean_names(shop)
    artwork = add_legacy(shop)
    catch_up_now(shop)
    shop.sql.execute("UPDATE artworks_v2 SET customer_name = NULL, generated_image_url = %s WHERE id = %s", (NEW_URL, artwork))
    assert ("Ada", NEW_URL) == (legacy(shop, artwork, "customer_name"), legacy(shop, artwork, "generated_image_url"))
    assert [(artwork, ["customer_name"])] == rejected(shop)
    shop.sql.execute("UPDATE artworks_v2 SET pet_name = 'Max' WHERE id = %s", (artwork,))
    assert [(artwork, ["customer_name"])] == rejected(shop)
    shop.sql.execute("UPDATE artworks_v2 SET customer_name = 'Grace' WHERE id = %s", (artwork,))
    assert ([], "Grace", "Max") == (rejected(shop), legacy(shop, artwork, "customer_name"), legacy(shop, artwork, "pet_name"))

"""What is looked at after the switch, and the application beside it: no write is lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from migration import checks, way_back
from sample.build import Variant
from sample.journal import check_journal
from tests.conftest import MakeShop
from tests.faults.test_convergence import application
from tests.faults.test_locks import BOUND, wait_until
from tests.shops import (
    Shop,
    catch_up_now,
    execute_switch,
    finish_switch,
    reconcile_now,
    running,
    switch,
    switch_back,
)

# After the commit


def test_the_fingerprint_notices_a_write_to_the_retired_table(migrated: Shop) -> None:
    """A write past the guard changes it; a deleted user and a look from another time zone do not."""
    switch(migrated)
    kept = migrated.value("SELECT details FROM artwork_migration.step WHERE name LIKE 'fingerprint%%'")
    migrated.sql.execute("DELETE FROM users WHERE id IN (SELECT user_id FROM artworks_old WHERE user_id IS NOT NULL LIMIT 3)")
    assert kept == _fingerprint(migrated, TimeZone="Asia/Tokyo")
    migrated.sql.execute("ALTER TABLE artworks_old DISABLE TRIGGER artwork_migration_guard")
    migrated.sql.execute("UPDATE artworks_old SET pet_name = 'damaged' WHERE id = (SELECT id FROM artworks_old LIMIT 1)")
    assert kept != _fingerprint(migrated)


def _fingerprint(shop: Shop, **settings: str) -> dict[str, Any]:
    with shop.database.transaction("looking", **settings) as connection:
        return checks.fingerprint(connection)


def test_the_acceptance_test_leaves_nothing_behind_and_bites(migrated: Shop) -> None:
    """Rolled back; and a serving table on which nobody can create an artwork is found."""
    switch(migrated)
    with running(migrated, "verify") as run:
        assert [] == checks.accept(run)
        assert migrated.value("SELECT COUNT(*) FROM artworks WHERE customer_email LIKE '%%.invalid'") == 0
        migrated.sql.execute("ALTER TABLE artworks ADD CONSTRAINT nobody CHECK (customer_name <> 'Acceptance') NOT VALID")
        assert ["SQLSTATE 23514 public.artworks.nobody"] == checks.accept(run)


def test_a_rehearsal_changes_nothing_and_counts_what_cannot_come_back(migrated: Shop) -> None:
    """The retired table, the log and the refusals are what they were."""
    switch(migrated)
    artwork = migrated.value("SELECT id FROM artworks LIMIT 1")
    migrated.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))
    before = _fingerprint(migrated)
    with running(migrated, "roll_back") as run:
        assert way_back.CarriedBack(logged=1, refused=1, refused_ids=(str(artwork),)) == way_back.rehearse(run)
        assert way_back.CarriedBack() == way_back.rehearse(run, batches=0)
    assert before == _fingerprint(migrated)
    assert migrated.value("SELECT COUNT(*) FROM artwork_migration.refused_write") == 0
    assert migrated.value("SELECT COUNT(*) FROM artwork_migration.clean_change WHERE NOT carried_back") == 1


# The application goes on all the time


@pytest.mark.parametrize("variant", [Variant.CURRENT, Variant.MINIMAL])
def test_no_write_is_lost_across_the_switch_and_the_way_back(make_shop: MakeShop, variant: Variant, tmp_path: Path) -> None:
    """The application writes on while the names change hands twice; every acknowledged write is there, on both sides.

    The one error it sees is that a prepared `SELECT *` is outdated, and that once it is prepared anew it goes on.
    """
    shop = make_shop(variant, phase="MIGRATED")
    with application(shop, 1, tmp_path, "--careful", transactions=1_000_000, rate=200) as running_application:
        _wait_for(shop, "legacy_change")
        execute_switch(shop, patience=BOUND)
        finish_switch(shop)
        _wait_for(shop, "clean_change")
        switch_back(shop, patience=BOUND)
        _wait_for(shop, "legacy_change")
        assert running_application.poll() is None
    catch_up_now(shop)
    for side in ("legacy", "clean"):
        report = check_journal(shop.server.conninfo(shop.name), [tmp_path / "journal.jsonl"], side)
        assert report.values_checked > 500
        assert [] == report.missing
    assert set(reconcile_now(shop)) <= {"match", "excluded", "quarantined"}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert ["0A000"] == list(summary["errors"])
    outdated = summary["errors"]["0A000"]
    assert {"look": outdated["seen"]} == outdated["kinds"]
    assert outdated["seen"] == outdated["retried_with_success"]


def test_no_write_is_lost_across_the_switch(migrated: Shop, tmp_path: Path) -> None:
    """As long as the clean table serves, what was acknowledged on either side before is in it, and what was written since."""
    with application(migrated, 2, tmp_path, transactions=1_000_000, rate=200):
        _wait_for(migrated, "legacy_change")
        switch(migrated)
        _wait_for(migrated, "clean_change")
    report = check_journal(migrated.server.conninfo(migrated.name), [tmp_path / "journal.jsonl"], "clean")
    assert report.values_checked > 500
    assert [] == report.missing


def _wait_for(shop: Shop, log: str) -> None:
    """Until the application has written a good deal."""
    wait_until(lambda: shop.value(f"SELECT COUNT(*) >= 100 FROM artwork_migration.{log}"), every=0.1)

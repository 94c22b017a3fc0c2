"""What is looked at after the switch, and the application beside it: no write is lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from migration.checks import acceptance
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED, VERIFY
from migration.sync import carry_back
from sample.build import Variant
from sample.journal import check_journal
from tests.artworks import relax_clean_names
from tests.conftest import MakeShop
from tests.databases import (
    SETTINGS,
    Shop,
    catch_up_now,
    execute_switch,
    finish_switch,
    reconcile_now,
    roll_back,
    running,
    switch,
)
from tests.faults.application import application
from tests.series import LONG, series
from tests.waiting import BOUND, wait_until

# After the commit


def test_the_fingerprint_notices_a_write_to_the_retired_table(migrated: Shop) -> None:
    """A write to the retired table changes the fingerprint; a deleted user and another time zone do not."""
    switch(migrated)
    kept = migrated.value("SELECT details FROM artwork_migration.step WHERE name LIKE 'fingerprint%%'")
    migrated.sql.execute("DELETE FROM users WHERE id IN (SELECT user_id FROM artworks_old WHERE user_id IS NOT NULL LIMIT 3)")
    assert kept == _fingerprint(migrated, TimeZone="Asia/Tokyo")
    migrated.sql.execute("ALTER TABLE artworks_old DISABLE TRIGGER artwork_migration_guard")
    migrated.sql.execute("UPDATE artworks_old SET pet_name = 'damaged' WHERE id = (SELECT id FROM artworks_old LIMIT 1)")
    assert kept != _fingerprint(migrated)


#: One of each kind that has no hash, or whose text depends on a setting.
VALUES = {
    "tsvector": "TO_TSVECTOR('a pet')",
    "bit varying": "B'101'",
    "bit(3)": "B'101'",
    "money": "1234.5::numeric::money",
    "money[]": "ARRAY[1.5::numeric::money]",
    "box": "'(1,1),(0,0)'",
    "json": "'{}'",
    "aclitem": "'=r/postgres'",
    "public.words": "TO_TSVECTOR('a pet')",
    "public.words[]": "ARRAY[TO_TSVECTOR('a pet')]::public.words[]",
    "public.pair": "ROW(1.5::numeric::money, B'1')::public.pair",
    "public.spots": "'{[0.1,0.3)}'",
    "interval": "'1 day 02:03:04'",
    "bytea": "'\\x00ff'",
    "timestamptz[]": "ARRAY['2026-01-01 00:00+00'::timestamptz]",
    "regclass": "'public.orders'::regclass",
}
TYPES = """
    CREATE DOMAIN public.words AS tsvector; CREATE TYPE public.pair AS (price money, bits bit varying);
    CREATE TYPE public.spot AS RANGE (SUBTYPE = float8, MULTIRANGE_TYPE_NAME = public.spots);
"""
OTHER_SETTINGS = {
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "-5",
    "bytea_output": "escape",
    "quote_all_identifiers": "on",
}


def test_a_column_may_have_any_type(migrated: Shop) -> None:
    """With a column of any type the switch ends, no setting changes the fingerprint, and a write to the column does."""
    migrated.sql.execute(TYPES)
    columns = {f"extra_{place}": kind for place, kind in enumerate(VALUES)}
    migrated.sql.execute("ALTER TABLE artworks " + ", ".join(f"ADD {name} {kind} DEFAULT {VALUES[kind]}" for name, kind in columns.items()))
    switch(migrated)
    kept = migrated.value("SELECT details FROM artwork_migration.step WHERE name LIKE 'fingerprint%%'")
    assert kept == _fingerprint(migrated, **OTHER_SETTINGS)
    migrated.sql.execute("ALTER TABLE artworks_old DISABLE TRIGGER artwork_migration_guard")
    seen = [kept]
    for name in columns:
        migrated.sql.execute(f"UPDATE artworks_old SET {name} = NULL WHERE id = (SELECT id FROM artworks_old ORDER BY id LIMIT 1)")
        seen.append(_fingerprint(migrated))
        assert seen[-1] not in seen[:-1], name


def _fingerprint(shop: Shop, **settings: str) -> dict[str, Any]:
    with shop.database.transaction("looking", **settings) as connection:
        return acceptance.fingerprint(connection)


def test_the_acceptance_test_leaves_nothing_behind_and_can_fail(migrated: Shop) -> None:
    """The acceptance test is rolled back, and fails on a serving table in which no artwork can be created."""
    switch(migrated)
    with running(migrated, VERIFY) as run:
        assert acceptance.AcceptanceResult() == acceptance.acceptance_test(run)
        assert migrated.value("SELECT COUNT(*) FROM artworks WHERE customer_email LIKE '%%.invalid'") == 0
        migrated.sql.execute("ALTER TABLE artworks ADD CONSTRAINT nobody CHECK (customer_name <> 'Acceptance') NOT VALID")
        assert ("SQLSTATE 23514 public.artworks.nobody",) == acceptance.acceptance_test(run).failed_with


def test_a_dry_run_changes_nothing_and_counts_what_cannot_come_back(migrated: Shop) -> None:
    """A dry run counts the writes that cannot come back, and changes neither retired table, log nor rejections."""
    relax_clean_names(migrated)
    switch(migrated)
    artwork = migrated.value("SELECT id FROM artworks LIMIT 1")
    migrated.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))
    migrated.sql.execute("UPDATE artworks SET pet_name = 'Rex' WHERE id = (SELECT id FROM artworks WHERE id <> %s LIMIT 1)", (artwork,))
    before = _fingerprint(migrated)
    with running(migrated, ROLL_BACK_TO_MIGRATED) as run:
        assert [str(artwork)] == [rejection["id"] for rejection in carry_back.dry_run(run).rejections]
        assert 2 == carry_back.dry_run(run).logged
        run.settings = SETTINGS.model_copy(update={"batch_size": 1})
        assert 1 == carry_back.dry_run(run, batches=1).logged
    assert before == _fingerprint(migrated)
    assert migrated.value("SELECT COUNT(*) FROM artwork_migration.rejected_write") == 0
    assert migrated.value("SELECT COUNT(*) FROM artwork_migration.clean_change WHERE NOT carried_back") == 2


# The application goes on all the time


@pytest.mark.parametrize("variant", series([Variant.CURRENT, Variant.MINIMAL], {Variant.CURRENT}))
def test_no_write_is_lost_across_the_switch_and_the_rollback(make_shop: MakeShop, variant: Variant, tmp_path: Path) -> None:
    """Every acknowledged write is on both sides after a switch and a rollback under load.

    The application's one error is that a prepared `SELECT *` is outdated, and its retry succeeds.
    """
    shop = make_shop(variant, phase="MIGRATED")
    with application(shop, 1, tmp_path, "--careful", transactions=1_000_000, rate=50) as running_application:
        _wait_for(shop, "legacy_change")
        execute_switch(shop, patience=BOUND)
        finish_switch(shop)
        _wait_for(shop, "clean_change")
        roll_back(shop, patience=BOUND)
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
    assert {"read": outdated["seen"]} == outdated["kinds"]
    assert outdated["seen"] == outdated["retried_with_success"]


@LONG
def test_no_write_is_lost_across_the_switch(migrated: Shop, tmp_path: Path) -> None:
    """While the clean table serves it has every acknowledged write, from before the switch and after it."""
    with application(migrated, 2, tmp_path, transactions=1_000_000, rate=50):
        _wait_for(migrated, "legacy_change")
        switch(migrated)
        _wait_for(migrated, "clean_change")
    report = check_journal(migrated.server.conninfo(migrated.name), [tmp_path / "journal.jsonl"], "clean")
    assert report.values_checked > 500
    assert [] == report.missing


def _wait_for(shop: Shop, log: str) -> None:
    """Until the application has written a good deal."""
    wait_until(lambda: shop.value(f"SELECT COUNT(*) >= 100 FROM artwork_migration.{log}"), every=0.1)

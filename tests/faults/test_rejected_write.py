"""A write of the clean side that the legacy table refuses, from end to end: nobody loses it, and nobody goes on before a person decides."""

from uuid import UUID

import pytest

from expectations.suites import SUITES
from migration.checks.gates import GateVerdict
from migration.errors import BadInput
from migration.ledger.decisions import DecisionName, checked_value
from migration.ledger.phases import MIGRATE_DATA
from migration.sync import reconcile
from migration.verbs.decide import apply_at_once
from tasks.validation import judge_suite
from tests.artworks import add_clean, add_legacy, clean, legacy
from tests.databases import Shop, catch_up_now, planned_switch, running
from tests.series import LONG

#: A name that legacy's own check does not take; it must stand nowhere but in the clean row.
NAME = "Maximilian-the-canary"


@pytest.fixture
def refused(migrated: Shop) -> UUID:
    """An artwork whose newest name the legacy table has refused."""
    artwork = add_legacy(migrated)
    catch_up_now(migrated)
    migrated.sql.execute("ALTER TABLE artworks ADD CONSTRAINT short_names CHECK (LENGTH(pet_name) < 20) NOT VALID")
    assert 1 == migrated.sql.execute("UPDATE artworks_v2 SET pet_name = %s WHERE id = %s", (NAME, artwork)).rowcount
    return artwork


def judged(shop: Shop) -> GateVerdict:
    """The gate `reconciliation` after a catch-up, as migrate_data judges it."""
    catch_up_now(shop)
    with running(shop, MIGRATE_DATA) as run:
        run.begin()
        reconcile.reconcile(run)
        return judge_suite(run, SUITES["reconciliation"])


def clear(shop: Shop, artwork: UUID) -> None:
    """What `decide clear_rejected_write` does."""
    with shop.database.transaction("deciding") as connection:
        apply_at_once(
            connection, DecisionName.CLEAR_REJECTED_WRITE, checked_value(connection, DecisionName.CLEAR_REJECTED_WRITE, str(artwork))
        )


def red(verdict: GateVerdict) -> dict[str, tuple[str, ...]]:
    """The rules that say no, with their ids."""
    return {rule.rule: rule.ids for rule in verdict.red}


def test_a_rejected_write_waits_for_a_person(migrated: Shop, refused: UUID) -> None:
    """A rejected write keeps the clean row, turns the gate red by its id and blocks the switch, until it is fixed and cleared."""
    assert (NAME, "Rex") == (clean(migrated, refused, "pet_name"), legacy(migrated, refused, "pet_name"))
    kept = migrated.rows("SELECT r.id, r.operation, r.sql_state, r.object FROM artwork_migration.rejected_write AS r")
    assert [(refused, "UPDATE", "23514", "artworks.short_names")] == kept
    assert {"refused": (str(refused),)} == red(judged(migrated))
    assert NAME == clean(migrated, refused, "pet_name")
    (blocker,) = [one for one in planned_switch(migrated).blockers if one.rule == "rejected_write"]
    assert str(refused) in blocker.subject
    assert NAME not in str(blocker)

    migrated.sql.execute("ALTER TABLE artworks DROP CONSTRAINT short_names")
    migrated.sql.execute("UPDATE artworks SET pet_name = %s WHERE id = %s", (NAME, refused))
    clear(migrated, refused)
    assert {} == red(judged(migrated))
    assert (NAME, []) == (clean(migrated, refused, "pet_name"), migrated.rows("SELECT id FROM artwork_migration.rejected_write"))


@LONG
def test_cleared_without_a_fix_the_legacy_row_is_the_truth(migrated: Shop, refused: UUID) -> None:
    """A rejected write that is cleared without a fix is overwritten by its legacy row."""
    clear(migrated, refused)
    assert {} == red(judged(migrated))
    assert "Rex" == clean(migrated, refused, "pet_name")


REFUSALS = "SELECT r.id FROM artwork_migration.rejected_write AS r"
BY_HAND = """
INSERT INTO artworks (
  id, customer_name, customer_email, pet_name, original_image_url, original_pet_mom_url, original_pet_url, access_token, generation_status
)
SELECT id, customer_name, customer_email, 'Max', pet_mom_image_url, pet_mom_image_url, pet_image_url, access_token, 'pending'
FROM artworks_v2 WHERE id = %s
"""


def refused_insert(shop: Shop) -> UUID:
    """An artwork born on the clean side, under a name that the legacy table has refused."""
    artwork = add_clean(shop, pet_name=NAME, generation_status="processing")
    assert [(artwork,)] == shop.rows(REFUSALS)
    return artwork


@pytest.fixture
def strict(migrated: Shop) -> Shop:
    """The legacy table takes no long names."""
    migrated.sql.execute("ALTER TABLE artworks ADD CONSTRAINT short_names CHECK (LENGTH(pet_name) < 20) NOT VALID")
    return migrated


def test_a_clean_row_that_was_corrected_settles_its_refused_insert(strict: Shop) -> None:
    """A rejected insert is tried again with the whole row, and resolved as soon as legacy takes it."""
    artwork = refused_insert(strict)
    strict.sql.execute("UPDATE artworks_v2 SET customer_name = 'Bob' WHERE id = %s", (artwork,))
    assert ([(artwork,)], None) == (strict.rows(REFUSALS), legacy(strict, artwork, "id"))
    strict.sql.execute("UPDATE artworks_v2 SET pet_name = 'Max' WHERE id = %s", (artwork,))
    assert ([], "Bob", "Max") == (strict.rows(REFUSALS), legacy(strict, artwork, "customer_name"), legacy(strict, artwork, "pet_name"))
    assert {} == red(judged(strict))
    assert "Max" == clean(strict, artwork, "pet_name")


def test_the_only_copy_of_an_artwork_is_not_cleared(strict: Shop) -> None:
    """A rejected artwork without a legacy row cannot be cleared, because catch-up would delete it; deleting it resolves the rejection."""
    artwork = refused_insert(strict)
    with pytest.raises(BadInput, match=f"on the clean side only and would be lost if they were cleared: {artwork}"):
        clear(strict, artwork)
    catch_up_now(strict)
    assert ([(artwork,)], NAME) == (strict.rows(REFUSALS), clean(strict, artwork, "pet_name"))
    strict.sql.execute("DELETE FROM artworks_v2 WHERE id = %s", (artwork,))
    assert [] == strict.rows(REFUSALS)


def test_a_token_that_is_given_up_goes_to_a_row_that_the_writer_does_not_see(strict: Shop) -> None:
    """A legacy row waits in quarantine for the token of a refused clean row; deleted by an older snapshot, that row leaves it the token."""
    artwork = refused_insert(strict)
    with strict.session() as older, older.transaction():
        older.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        older.execute("SELECT FROM artworks_v2 LIMIT 1")
        waiting = add_legacy(strict, access_token=clean(strict, artwork, "access_token"))
        catch_up_now(strict)
        assert [(waiting,)] == strict.rows("SELECT q.id FROM artwork_migration.quarantine AS q WHERE q.id = %s", waiting)
        older.execute("DELETE FROM artworks_v2 WHERE id = %s", (artwork,))
    assert {} == red(judged(strict))
    assert "Rex" == clean(strict, waiting, "pet_name")


@pytest.mark.parametrize("write", ["update", "delete"])
def test_a_write_after_the_legacy_row_was_inserted_by_hand_is_not_lost(strict: Shop, write: str) -> None:
    """Between an insert by hand and the clearing, the application's writes reach both sides."""
    artwork = refused_insert(strict)
    strict.sql.execute(BY_HAND, (artwork,))
    if write == "update":
        strict.sql.execute(
            "UPDATE artworks_v2 SET generation_status = 'completed', generated_image_url = 'https://i/1' WHERE id = %s", (artwork,)
        )
        clear(strict, artwork)
    else:
        strict.sql.execute("DELETE FROM artworks_v2 WHERE id = %s", (artwork,))
    assert {} == red(judged(strict))
    status = "completed" if write == "update" else None
    assert (status, status) == (clean(strict, artwork, "generation_status"), legacy(strict, artwork, "generation_status"))
    assert [] == strict.rows(REFUSALS)
